// A security key that was not read: said on the page, not only to the console.
"use strict";

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const note = document.getElementById("key_error");
  if (!note) return;
  note.hidden = false;
  note.scrollIntoView({ block: "center" });
});
