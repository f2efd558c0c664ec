// What is being written is kept in this browser until it has been sent: <form data-draft="name">.
"use strict";

(() => {
  const owner = document.documentElement.dataset.user ?? "";
  const PREFIX = `huying-draft:${owner}:`;
  const SENT = "huying-draft-sent";
  const forms = [...document.querySelectorAll("form[data-draft]")];
  const keyOf = (form) => PREFIX + form.dataset.draft;

  const fields = (form) =>
    [...form.elements].filter(
      (field) =>
        field.name &&
        !["hidden", "password", "file", "submit", "button"].includes(field.type) &&
        !field.hasAttribute("data-no-draft"),
    );

  const read = (form) => {
    const values = {};
    for (const field of fields(form)) {
      if (["checkbox", "radio"].includes(field.type)) {
        if (field.checked) (values[field.name] ??= []).push(field.value);
      } else if (field.value) {
        (values[field.name] ??= []).push(field.value);
      }
    }
    return values;
  };

  const write = (form, values) => {
    for (const field of fields(form)) {
      const kept = values[field.name] ?? [];
      if (["checkbox", "radio"].includes(field.type)) field.checked = kept.includes(field.value);
      else field.value = kept[0] ?? "";
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  };

  const load = (key) => {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  };

  const store = (key, value) => {
    try {
      localStorage.setItem(key, JSON.stringify(value));
      return true;
    } catch {
      return false; // full or forbidden: the page works without it
    }
  };

  const clockOf = (moment) => {
    const at = new Date(moment);
    return `${at.getHours()}:${String(at.getMinutes()).padStart(2, "0")}`;
  };

  const watch = (form) => {
    const key = keyOf(form);
    const note = document.querySelector(`[data-draft-note="${form.dataset.draft}"]`);
    const offer = document.querySelector(`[data-draft-offer="${form.dataset.draft}"]`);
    const untouched = JSON.stringify(read(form));
    const kept = load(key);
    if (kept && offer && JSON.stringify(kept.values) !== untouched && !form.dataset.bound) {
      offer.querySelector("[data-draft-time]").textContent = clockOf(kept.at);
      offer.hidden = false;
      offer.querySelector("[data-draft-take]").addEventListener("click", () => {
        write(form, kept.values);
        offer.hidden = true;
      });
      offer.querySelector("[data-draft-drop]").addEventListener("click", () => {
        localStorage.removeItem(key);
        offer.hidden = true;
      });
    }
    let timer;
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const now = Date.now();
        if (store(key, { at: now, values: read(form) }) && note) {
          note.querySelector("[data-draft-time]").textContent = clockOf(now);
          note.hidden = false;
        }
      }, 600);
    });
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented) return;
      store(key, { at: Date.now(), values: read(form) });
      if (navigator.onLine !== false) sessionStorage.setItem(SENT, JSON.stringify(key));
    });
  };

  // Only when the server said it is done has what was sent arrived: after the entrance, where a
  // session had ended, or after an error, it is still wanted.
  const sent = JSON.parse(sessionStorage.getItem(SENT) ?? "null");
  if (sent && document.querySelector("[data-done]")) localStorage.removeItem(sent);
  sessionStorage.removeItem(SENT);

  forms.forEach(watch);

  // Who signs out on a shared computer leaves nothing behind.
  document.querySelectorAll("form[data-forget-drafts]").forEach((form) =>
    form.addEventListener("submit", () => {
      for (const key of Object.keys(localStorage)) {
        if (key.startsWith("huying-draft:")) localStorage.removeItem(key);
      }
    }),
  );
})();
