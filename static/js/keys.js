// Keys: "/" goes to the find box, "j" and "k" walk the rows ([data-rows]), Enter opens the one in focus, "x" marks it,
// "X" compares the marked ones, "c" copies the one in focus for a ticket, else the page, "l" the link, "t" changes the
// zone ([data-zones]), "?" shows all of them ([data-keys]).
// Of the links in a [data-roving] only one is in the order of Tab; arrows, Home and End walk among them.
const typing = (element) => element.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");

const rowInFocus = () => document.activeElement.closest("[data-rows] tbody tr");

// A row, or the line of a run of them that are folded.
const stop = ":is([data-row-link], summary)";

function step(by) {
  const links = [...document.querySelectorAll(`[data-rows] tbody ${stop}`)].filter((link) => link.getClientRects().length);
  const at = links.indexOf(rowInFocus()?.querySelector(stop));
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
  c: () => {
    const row = rowInFocus()?.querySelector("[data-row-link]");
    if (row) row.dispatchEvent(new CustomEvent("copy:row", { bubbles: true }));
    else document.querySelector("[data-ticket], [data-ticket-copy]")?.click();
  },
  x: () => rowInFocus()?.querySelector("[type=checkbox]")?.click(),
  X: () => document.querySelector("[data-compare]:not([hidden])")?.click(),
  l: () => document.querySelector("[data-copy-link]")?.click(),
  "?": showKeys,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  // Who speaks to the machine would press them by every word.
  if (document.documentElement.hasAttribute("data-keys-off")) return;
  // A key of a composition is the input method's.
  if (event.isComposing || event.keyCode === 229) return;
  if (document.querySelector("dialog[open]")) return;
  if (!Object.hasOwn(actions, event.key)) return;
  event.preventDefault();
  actions[event.key]();
});

const linksOf = (roving) => [...roving.querySelectorAll("a")];

function rove(links, at) {
  for (const link of links) link.tabIndex = link === at ? 0 : -1;
}

document.addEventListener("focusin", ({ target }) => {
  const roving = target.closest("[data-roving]");
  if (roving) rove(linksOf(roving), target);
});

document.addEventListener("keydown", (event) => {
  const roving = event.target.closest?.("[data-roving]");
  if (!roving || event.ctrlKey || event.metaKey || event.altKey) return;
  const links = linksOf(roving);
  const at = links.indexOf(event.target);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: links.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  links[Math.min(Math.max(to, 0), links.length - 1)].focus();
});

// One link of each strip stands in the way of Tab, also after a swap has brought more.
function roveAll() {
  for (const roving of document.querySelectorAll("[data-roving]")) {
    const links = linksOf(roving);
    if (links.filter((link) => link.tabIndex === 0).length === 1) continue;
    rove(links, links.includes(document.activeElement) ? document.activeElement : links.at(-1));
  }
}
roveAll();
document.addEventListener("htmx:afterSettle", roveAll);
