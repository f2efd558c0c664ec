// The lines of a draft, written in place: from cell to cell by keys, each line saved when it is left.
"use strict";

(() => {
  const table = document.querySelector("[data-grid]");
  if (!table) return;
  const body = table.tBodies[0];
  const told = document.querySelector("[data-grid-said]");
  const under = new WeakMap(); // what is being sent of a line
  let mode = "move"; // "move": arrows go from cell to cell; "write": they move the caret
  let before = ""; // what the cell said when it was entered
  let byPointer = false;

  table.classList.add("is-live");
  body.querySelectorAll("tr[data-unsaved]").forEach((row) => row.setAttribute("data-refused", ""));
  document.querySelectorAll("[data-live-only]").forEach((one) => (one.hidden = false));

  const rowOf = (node) => node?.closest?.("tr[data-row]");
  const cells = (row) => [...row.querySelectorAll("[data-cell]")];
  const cellOf = (row, name) => cells(row).find((one) => one.name === name);
  const kept = (cell) =>
    cell.tagName === "SELECT"
      ? ([...cell.options].find((one) => one.defaultSelected) ?? cell.options[0]).value
      : cell.defaultValue;
  const isTouched = (cell) => cell.value !== kept(cell);

  const say = (row, text, aloud = true) => {
    row.querySelector("[data-state]").textContent = text;
    if (aloud) told.textContent = `${cellOf(row, "code").value}: ${text}`;
  };

  // A line that was refused stays unsaved until it has been taken, whatever its cells say.
  const look = (row) => {
    for (const cell of cells(row)) cell.toggleAttribute("data-touched", isTouched(cell));
    const open = row.hasAttribute("data-refused") || cells(row).some(isTouched);
    if (open && !row.hasAttribute("data-unsaved")) say(row, table.dataset.unsaved, false);
    if (!open && row.hasAttribute("data-unsaved")) say(row, "", false);
    row.toggleAttribute("data-unsaved", open);
  };

  const adopt = (row, fresh, sent) => {
    const typedSince = cells(row).some((cell) => cell.value !== (sent.get(cell.name) ?? "").replaceAll("\r\n", "\n"));
    if (typedSince && !fresh.hasAttribute("data-overtaken")) {
      row.querySelector("[name=seen]").value = fresh.querySelector("[name=seen]").value;
      for (const cell of cells(row)) {
        const stands = kept(cellOf(fresh, cell.name));
        if (cell.tagName === "SELECT") {
          for (const one of cell.options) one.defaultSelected = one.value === stands;
        } else {
          const typed = cell.value;
          cell.defaultValue = stands;
          cell.value = typed;
        }
      }
      look(row);
      return row;
    }
    const at = row.contains(document.activeElement) ? document.activeElement.name : "";
    row.replaceWith(fresh);
    if (at) cellOf(fresh, at)?.focus();
    if (fresh.hasAttribute("data-unsaved")) fresh.setAttribute("data-refused", "");
    return fresh;
  };

  const fragment = async (answer) => {
    const made = document.createElement("template");
    made.innerHTML = await answer.text();
    return made.content.querySelector("tr[data-row]");
  };

  const ask = (url, more) =>
    fetch(url, { credentials: "same-origin", headers: { "X-Requested-With": "fetch" }, ...more });

  const save = async (row) => {
    if (under.has(row)) return;
    const form = row.querySelector("form");
    const sent = new FormData(form);
    under.set(row, sent);
    say(row, table.dataset.saving, false);
    let now = row;
    try {
      const answer = await ask(form.action, { method: "POST", body: sent, keepalive: true });
      const fresh = await fragment(answer);
      if (!fresh) {
        if (answer.status < 500) row.setAttribute("data-refused", "");
        row.removeAttribute("data-again");
        look(row);
        say(row, answer.status >= 500 ? table.dataset.failed : table.dataset.ended);
        return;
      }
      row.removeAttribute("data-refused");
      now = adopt(row, fresh, sent);
      say(now, now.hasAttribute("data-refused") ? table.dataset.wrong : now.hasAttribute("data-unsaved") ? table.dataset.unsaved : table.dataset.saved);
    } catch {
      look(row);
      say(row, table.dataset.failed);
    } finally {
      under.delete(row);
    }
    if (now.hasAttribute("data-unsaved") && !now.hasAttribute("data-refused") && !now.contains(document.activeElement)) save(now);
  };

  // What was refused is sent again once it was written in anew; over another's words only by its button.
  const leave = (row) => {
    if (!row.hasAttribute("data-unsaved") || row.hasAttribute("data-overtaken")) return;
    if (!row.hasAttribute("data-refused") || row.hasAttribute("data-again")) save(row);
  };

  // --- from cell to cell ---------------------------------------------------------------------------

  const enter = (cell) => {
    if (!cell) return;
    byPointer = false;
    cell.focus();
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  const beside = (cell, step) => {
    const all = [...body.querySelectorAll("[data-cell]")];
    return all[all.indexOf(cell) + step];
  };

  const below = (cell, step) => {
    const rows = [...body.rows];
    const row = rows[rows.indexOf(rowOf(cell)) + step];
    return row && cellOf(row, cell.name);
  };

  const write = (cell) => {
    mode = "write";
    if (cell.tagName === "SELECT") cell.showPicker?.();
    else cell.setSelectionRange(cell.value.length, cell.value.length);
  };

  const takeBack = (cell) => {
    // First what was typed since the cell was entered, then all that is not saved.
    cell.value = cell.value !== before ? before : kept(cell);
    before = cell.value;
    mode = "move";
    cell.select?.();
    look(rowOf(cell));
  };

  const KEYS = {
    ArrowUp: (cell) => below(cell, -1),
    ArrowDown: (cell) => below(cell, 1),
    ArrowLeft: (cell) => beside(cell, -1),
    ArrowRight: (cell) => beside(cell, 1),
  };

  body.addEventListener("keydown", (event) => {
    const cell = event.target.closest("[data-cell]");
    if (!cell || event.isComposing || event.keyCode === 229) return;
    const plain = !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey);
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      event.preventDefault();
      save(rowOf(cell));
    } else if (event.key === "Escape") {
      event.preventDefault();
      takeBack(cell);
    } else if (event.key === "Enter" && event.altKey && cell.tagName === "TEXTAREA") {
      event.preventDefault();
      cell.setRangeText("\n", cell.selectionStart, cell.selectionEnd, "end");
      cell.dispatchEvent(new Event("input", { bubbles: true }));
    } else if (event.key === "Enter" && !event.altKey && !event.ctrlKey) {
      event.preventDefault();
      enter(below(cell, event.shiftKey ? -1 : 1));
    } else if (event.key === "F2") {
      event.preventDefault();
      write(cell);
    } else if (plain && mode === "move" && event.key in KEYS) {
      event.preventDefault();
      enter(KEYS[event.key](cell));
    }
  });

  body.addEventListener("pointerdown", () => (byPointer = true));
  body.addEventListener("focusin", (event) => {
    const cell = event.target.closest("[data-cell]");
    if (!cell) return;
    before = cell.value;
    mode = byPointer ? "write" : "move";
    if (!byPointer) cell.select?.();
    byPointer = false;
  });
  body.addEventListener("dblclick", () => (mode = "write"));
  body.addEventListener("input", (event) => {
    const row = rowOf(event.target);
    mode = event.target.tagName === "SELECT" ? mode : "write";
    row.setAttribute("data-again", "");
    look(row);
  });
  body.addEventListener("focusout", (event) => {
    const row = rowOf(event.target);
    if (row && !row.contains(event.relatedTarget)) leave(row);
  });
  body.addEventListener("submit", (event) => {
    const row = rowOf(event.target);
    event.preventDefault();
    event.stopPropagation();
    save(row);
  });
  body.addEventListener("click", async (event) => {
    const take = event.target.closest("[data-take]");
    if (!take) return;
    event.preventDefault();
    const row = rowOf(take);
    try {
      const fresh = await fragment(await ask(take.href));
      if (!fresh) throw new Error();
      row.replaceWith(fresh);
      cells(fresh)[0].focus();
    } catch {
      say(row, table.dataset.failed);
    }
  });
  window.addEventListener("beforeunload", (event) => {
    if (body.querySelector("tr[data-unsaved]")) event.preventDefault();
  });
})();
