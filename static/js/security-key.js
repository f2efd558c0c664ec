// The button that reads a security key, and what is said on the page if none was read.
"use strict";

for (const button of document.querySelectorAll("button[data-key]")) {
  const what = button.dataset.key; // "add" or "authenticate", as the library names both
  const ids = { [what]: button.id, credential: button.dataset.credential, data: "js_data" };
  window.allauth.webauthn.forms[`${what}Form`]({ ids });
}

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const note = document.getElementById("key_error");
  if (!note) return;
  note.hidden = false;
  note.scrollIntoView({ block: "center" });
});
