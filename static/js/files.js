// Says at once what the server would say about chosen files: type and size. <input data-max-bytes>
"use strict";

(() => {
  const sizeOf = (bytes) =>
    bytes < 1048576
      ? `${Math.max(1, Math.round(bytes / 1024))} KB`
      : `${(bytes / 1048576).toFixed(1)} MB`;

  const check = (input) => {
    const list = document.getElementById(`${input.id}-chosen`);
    const allowed = (input.accept || "").split(",").map((ending) => ending.trim().toLowerCase());
    const lines = [];
    let complaint = "";
    for (const file of input.files) {
      const name = file.name.toLowerCase();
      let wrong = "";
      if (input.accept && !allowed.some((ending) => name.endsWith(ending))) {
        wrong = input.dataset.wrongType;
      } else if (input.dataset.maxBytes && file.size > Number(input.dataset.maxBytes)) {
        wrong = input.dataset.tooLarge;
      }
      lines.push([file, wrong]);
      if (wrong && !complaint) complaint = `${file.name} ${wrong}`;
    }
    input.setCustomValidity(complaint);
    if (!list) return;
    list.replaceChildren(
      ...lines.map(([file, wrong]) => {
        const item = document.createElement("li");
        item.textContent = `${file.name} ${sizeOf(file.size)}${wrong ? ` ${wrong}` : ""}`;
        item.className = wrong ? "hy-bad" : "";
        return item;
      }),
    );
    if (complaint) input.reportValidity();
  };

  // The browser's own button speaks the browser's language; ours speaks the page's.
  document.querySelectorAll(".hy-upload input[type=file]").forEach((input) => {
    const button = document.querySelector(`label.btn[for="${input.id}"]`);
    if (!button) return;
    input.classList.add("visually-hidden");
    button.hidden = false;
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("input[type=file]")) check(event.target);
  });
})();
