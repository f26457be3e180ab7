// hx-swap="morph": makes what is on the screen like what has come, and touches nothing else, so that focus,
// selection, scroll position, open menus and half-typed fields stay. Fetched by live.js when it is needed.
// What a viewer or a script changes is never taken back: values, open menus, what was hidden or shown.
const KEPT = new Set(["open", "hidden", "tabindex"]);

function keyOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return "";
  return node.id || node.dataset.backupId || node.dataset.instanceId || "";
}

function alike(one, other) {
  if (one.nodeType !== other.nodeType || one.nodeName !== other.nodeName || keyOf(one) !== keyOf(other)) return false;
  return one.nodeType !== Node.ELEMENT_NODE || one.classList[0] === other.classList[0];
}

function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  morphAttributes(old, fresh);
  morphChildren(old, fresh);
}

function morphAttributes(old, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (!KEPT.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!KEPT.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
}

function morphChildren(old, fresh) {
  const wanted = new Set([...fresh.children].map(keyOf));
  const keyed = new Map([...old.children].filter(keyOf).map((child) => [keyOf(child), child]));
  const stays = (node) => keyOf(node) && wanted.has(keyOf(node));
  let at = old.firstChild;
  const drop = () => {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  };
  for (const node of [...fresh.childNodes]) {
    const same = keyOf(node) ? keyed.get(keyOf(node)) : firstAlike(at, node, stays);
    if (!same || same.nodeName !== node.nodeName) {
      old.insertBefore(node, at);
      continue;
    }
    // What is gone leaves first, so that what stays need not move: a moved element loses its focus.
    while (at && at !== same && !stays(at)) drop();
    if (at === same) at = at.nextSibling;
    else old.insertBefore(same, at);
    morph(same, node);
  }
  while (at) drop();
}

function firstAlike(at, node, stays) {
  for (let other = at; other && !stays(other); other = other.nextSibling) if (alike(other, node)) return other;
  return null;
}

// The row that had the focus may be gone: its neighbour takes it over.
function focused() {
  const row = document.activeElement?.closest("[data-rows] tbody tr");
  return row && { link: document.activeElement, row, at: row.sectionRowIndex };
}

function focusAgain({ link, row, at }) {
  const rows = document.querySelectorAll("[data-rows] tbody tr");
  const target = link.isConnected ? link : rows[Math.min(at, rows.length - 1)]?.querySelector("[data-row-link]");
  if (document.activeElement !== target) target?.focus({ preventScroll: true });
}

// What is looked at stays where it is, though rows above it come and go; at the top the newest ones show.
function looked() {
  if (!scrollY) return [];
  const seen = [document.activeElement, ...document.querySelectorAll("[data-rows] tbody tr, [data-live] h2")];
  return seen
    .map((element) => ({ element, top: element.getBoundingClientRect().top }))
    .filter(({ element, top }) => element !== document.body && top >= 0 && top < innerHeight);
}

function lookAgain(before) {
  const still = before.find(({ element }) => element.isConnected);
  if (still) scrollBy({ top: still.element.getBoundingClientRect().top - still.top, behavior: "instant" });
}

window.htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap(style, target, fragment) {
    if (style !== "morph") return false;
    const row = focused();
    const places = looked();
    const { style: root } = document.documentElement;
    root.overflowAnchor = "none"; // the browser would guess too
    morph(target, fragment.querySelector("[data-live]"));
    lookAgain(places);
    root.overflowAnchor = "";
    if (row) focusAgain(row);
    return [target];
  },
});
