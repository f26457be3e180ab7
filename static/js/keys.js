// Keys: "/" goes to the find box, "j" and "k" walk the rows ([data-rows]); Enter opens the link in focus.
const typing = (element) => element.closest("input, select, textarea, [contenteditable]");

function step(by) {
  const links = [...document.querySelectorAll("[data-rows] tbody [data-row-link]")];
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by;
  links[Math.min(Math.max(next, 0), links.length - 1)]?.focus();
}

const actions = {
  "/": () => {
    const box = document.querySelector("main [data-find], [data-find]");
    box?.focus();
    box?.select();
  },
  j: () => step(1),
  k: () => step(-1),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (!Object.hasOwn(actions, event.key)) return;
  event.preventDefault();
  actions[event.key]();
});
