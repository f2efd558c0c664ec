// Ticks over the list of calls: how many, and all at once. Without it the ticks work by themselves.
"use strict";

(() => {
  const formOf = (target) => target.closest?.("form[data-bulk]");
  const boxes = (form) => [...form.querySelectorAll("input[name=call]")];

  const tell = (form) => {
    const ticked = boxes(form).filter((box) => box.checked).length;
    const count = form.querySelector("[data-bulk-count]");
    count.textContent = ticked ? count.dataset.some.replace("{n}", ticked) : count.dataset.none;
    form.querySelectorAll(".hy-bulk button").forEach((button) => (button.disabled = !ticked));
    boxes(form).forEach((box) => box.closest("tr").classList.toggle("is-picked", box.checked));
    const all = form.querySelector("[data-bulk-all]");
    all.hidden = false;
    all.checked = ticked > 0 && ticked === boxes(form).length;
    all.indeterminate = ticked > 0 && !all.checked;
  };

  const begin = () => document.querySelectorAll("form[data-bulk]").forEach(tell);

  document.addEventListener("change", (event) => {
    const form = formOf(event.target);
    if (!form) return;
    if (event.target.matches("[data-bulk-all]")) {
      boxes(form).forEach((box) => (box.checked = event.target.checked));
    }
    tell(form);
  });
  document.addEventListener("htmx:afterSwap", begin);
  window.addEventListener("pageshow", begin); // the browser may bring ticks back
  begin();
})();
