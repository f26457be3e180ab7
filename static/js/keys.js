// Keys: "/" goes to the find box, "j" and "k" walk the rows ([data-rows]), "t" changes the zone ([data-zones]),
// "?" shows all of them ([data-keys]); Enter opens the link in focus.
const typing = (element) => element.closest("input, select, textarea, [contenteditable]");

function step(by) {
  const links = [...document.querySelectorAll("[data-rows] tbody [data-row-link]")];
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by;
  links[Math.min(Math.max(next, 0), links.length - 1)]?.focus();
}

async function showKeys() {
  const dialog = document.querySelector("[data-keys]");
  if (!dialog || dialog.open) return;
  if (!dialog.hasChildNodes()) {
    const answer = await fetch(dialog.dataset.keys, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return location.assign(dialog.dataset.keys);
    dialog.innerHTML = await answer.text();
    dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  }
  dialog.showModal();
}

const actions = {
  "/": () => {
    const box = document.querySelector("main [data-find], [data-find]");
    box?.focus();
    box?.select();
  },
  j: () => step(1),
  k: () => step(-1),
  t: () => document.querySelector('[data-zones] button:not([aria-pressed="true"], [hidden])')?.click(),
  "?": showKeys,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (!Object.hasOwn(actions, event.key)) return;
  event.preventDefault();
  actions[event.key]();
});
