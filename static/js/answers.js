// A standard answer goes to where one is writing; without a script its link opens the form with it.
"use strict";

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-insert]");
  const note = link?.closest("form")?.querySelector("textarea[name=note]");
  if (!note) return;
  event.preventDefault();
  const [from, to] = [note.selectionStart, note.selectionEnd];
  note.setRangeText(link.dataset.insert, from, to, "end");
  note.dispatchEvent(new Event("input", { bubbles: true }));
  note.focus();
});
