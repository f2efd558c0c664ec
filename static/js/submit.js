// A form is sent once: its buttons rest while it is under way. Offline, it is not sent at all.
"use strict";

(() => {
  const buttons = (form) => [
    ...form.querySelectorAll("button[type=submit], input[type=submit]"),
    ...(form.id ? document.querySelectorAll(`button[form="${form.id}"]`) : []),
  ];

  const rest = (form) => {
    form.setAttribute("aria-busy", "true");
    for (const button of buttons(form)) button.disabled = true;
  };

  const wake = (form) => {
    form.removeAttribute("aria-busy");
    for (const button of buttons(form)) button.disabled = false;
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.hasAttribute("aria-busy")) return event.preventDefault();
    if (navigator.onLine === false) {
      event.preventDefault();
      const note = document.getElementById("hy-offline");
      if (note) {
        note.hidden = false;
        note.scrollIntoView({ block: "center" });
      }
      return;
    }
    // After this event: a button disabled now would not be sent with its value.
    setTimeout(() => rest(form), 0);
  });

  window.addEventListener("online", () => {
    const note = document.getElementById("hy-offline");
    if (note) note.hidden = true;
  });

  // Back from the next page: the form can be used again.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form[aria-busy]").forEach(wake);
  });

  document.querySelectorAll("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });

  // A menu that acts on its own choice needs no second click; without scripts its button stays.
  document.querySelectorAll("[data-submit-on-change]").forEach((field) => {
    field.addEventListener("change", () => field.form.requestSubmit());
  });
})();
