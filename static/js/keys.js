// Keyboard shortcuts: only outside fields, listed under "?", and switched off there. None makes a move.
"use strict";

(() => {
  const OFF = "huying-keys-off";
  const list = document.getElementById("hy-keys");
  const toggle = document.getElementById("hy-keys-off");
  const rows = () => [...document.querySelectorAll("[data-row]")];
  let leader = "";

  const isTyping = (target) =>
    target.closest("input, textarea, select, [contenteditable], dialog") !== null;

  const go = (name) => document.querySelector(`[data-key="${name}"]`)?.click();

  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[Math.min(all.length - 1, Math.max(0, at + by))];
    (next.querySelector("a.hy-title") ?? next.querySelector("a"))?.focus();
  };

  const explain = () => {
    const why = document.querySelector("details[data-why]");
    if (why) why.open = !why.open;
  };

  const plain = {
    "/": () => document.querySelector('[data-key="search"]')?.focus(),
    "?": () => list?.showModal(),
    c: () => go("raise"),
    e: explain,
    j: () => step(1),
    k: () => step(-1),
    Escape: () =>
      document.querySelectorAll("details.hy-menu[open]").forEach((d) => (d.open = false)),
  };
  const afterG = { w: () => go("work"), l: () => go("calls") };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (localStorage.getItem(OFF) && event.key !== "?" && event.key !== "Escape") return;
    const found = leader === "g" ? afterG[event.key] : plain[event.key];
    leader = event.key === "g" ? "g" : "";
    if (!found) return;
    event.preventDefault();
    found();
  });

  // A menu closes when somebody clicks elsewhere.
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.hy-menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  if (toggle) {
    toggle.checked = localStorage.getItem(OFF) !== null;
    toggle.addEventListener("change", () =>
      toggle.checked ? localStorage.setItem(OFF, "1") : localStorage.removeItem(OFF),
    );
  }
  document.querySelectorAll("[data-open-keys]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => list?.showModal());
  });
})();
