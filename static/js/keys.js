// Keyboard shortcuts: only outside fields, listed under "?", and switched off there for the person
// (kept in the profile: <html data-keys="off">). None makes a move.
"use strict";

(() => {
  const isOff = document.documentElement.dataset.keys === "off";
  const list = document.getElementById("hy-keys");
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const LEADER_MS = 1500;
  let leader = "";
  let timer;

  const isTyping = (target) =>
    target.closest(
      "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable], dialog",
    ) !== null;

  const go = (name) => document.querySelector(`[data-key="${name}"]`)?.click();

  const current = () => rows().find((row) => row.contains(document.activeElement));

  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[Math.min(all.length - 1, Math.max(0, at + by))];
    const link = next.querySelector("a.hy-title") ?? next.querySelector("a");
    link?.focus();
    next.scrollIntoView({ block: "nearest" });
  };

  const tick = () => {
    const box = current()?.querySelector("input[type=checkbox]");
    if (!box) return;
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const open = () => (current()?.querySelector("a.hy-title") ?? current()?.querySelector("a"))?.click();

  const explain = () => {
    const why = document.querySelector("details[data-why]");
    if (!why) return;
    why.open = !why.open;
    why.querySelector("summary")?.focus();
  };

  const close = () =>
    document.querySelectorAll("details.hy-menu[open]").forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    });

  const search = () => {
    const field = document.querySelector('[data-key="search"]');
    field?.focus();
    field?.select();
  };

  const plain = {
    "/": search,
    "?": () => list?.showModal(),
    "？": () => list?.showModal(),
    c: () => go("raise"),
    e: explain,
    j: () => step(1),
    k: () => step(-1),
    x: tick,
    Escape: close,
  };
  const afterG = {
    w: () => go("work"),
    l: () => go("calls"),
    n: () => go("notices"),
    m: () => go("matters"),
  };
  const ALWAYS = ["?", "？", "Escape"]; // closing, and finding out how to switch them on again

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape" && event.target.dataset.key === "search") event.target.blur();
      return;
    }
    if (isOff && !ALWAYS.includes(event.key)) return;
    // Enter opens a row whose tick has the focus; a link opens by itself.
    if (event.key === "Enter" && event.target.type === "checkbox" && current()) {
      event.preventDefault();
      open();
      return;
    }
    const found = leader === "g" ? afterG[event.key] : plain[event.key];
    clearTimeout(timer);
    leader = event.key === "g" && leader !== "g" ? "g" : "";
    timer = setTimeout(() => (leader = ""), LEADER_MS);
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

  document.querySelectorAll("[data-open-keys]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => list?.showModal());
  });
})();
