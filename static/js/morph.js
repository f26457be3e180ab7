// hx-swap="morph": idiomorph makes what is on the screen like what has come, and touches nothing else, so that focus,
// selection, scroll position, open menus and half-typed fields stay. Fetched by live.js when it is needed.
// What a viewer or a script changes is never taken back: values, open menus, what was hidden or shown. Of another
// address of the page, which a viewer has asked for (lists.js), the fields are what it says.
const KEPT = new Set(["open", "hidden", "tabindex"]);
const TYPED = new Set(["value", "checked", "selected"]);
let isAnother = false;

function mayChange(name, element) {
  if (KEPT.has(name)) return false;
  return isAnother || !(TYPED.has(name) && element.matches("input, textarea, select, option"));
}

// What has come or has changed shows it for a moment; ages change all the time.
function mark(old, come = old) {
  if (isAnother) return;
  if (old === come || (old.matches?.("[data-rows] td:not(.c-when)") && old.textContent !== come.textContent)) {
    come.classList?.add("came");
  }
}
document.addEventListener("animationend", ({ target }) => target.classList.remove("came"));

// Those of a run that is folded are not.
const shownRows = () => [...document.querySelectorAll("[data-rows] tbody tr")].filter((row) => row.getClientRects().length);

// What had the focus may be gone. Of a row its neighbour takes it over, else the first link of what is around it.
function focused(target) {
  const link = document.activeElement;
  if (!target.contains(link)) return () => {};
  const row = link.closest("[data-rows] tbody tr");
  const at = row ? shownRows().indexOf(row) : undefined;
  const around = [];
  for (let place = link.closest("[id]"); place; place = place.parentElement.closest("[id]")) around.push(place.id);
  return () => {
    const rows = shownRows();
    const place = at === undefined ? document.getElementById(around.find((id) => document.getElementById(id))) : null;
    const next = place?.matches("a") ? place : (place ?? rows[Math.min(at, rows.length - 1)])?.querySelector("a, summary");
    const wanted = link.isConnected ? link : next;
    if (document.activeElement !== wanted) wanted?.focus({ preventScroll: true });
  };
}

// What is looked at stays where it is, though rows above it come and go; at the top the newest ones show.
function looked() {
  if (!scrollY) return [];
  const seen = [document.activeElement, ...shownRows(), ...document.querySelectorAll("[data-live] h2")];
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
    isAnother = target.hasAttribute("aria-busy");
    const focusAgain = focused(target);
    const places = looked();
    const { style: root } = document.documentElement;
    root.overflowAnchor = "none"; // the browser would guess too
    window.Idiomorph.morph(target, fragment.querySelector("[data-live]"), {
      callbacks: {
        beforeAttributeUpdated: mayChange,
        beforeNodeAdded: (node) => mark(node),
        beforeNodeMorphed: (node, come) => {
          mark(node, come);
          return !("fetched" in (node.dataset ?? {})); // what was fetched into an opened block is in no page
        },
      },
      restoreFocus: false,
    });
    lookAgain(places);
    root.overflowAnchor = "";
    focusAgain();
    return [target];
  },
});
