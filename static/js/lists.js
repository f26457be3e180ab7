// Lists that change in place ([data-in-place]): a filter, an order, a page or a figure asks for its address as the page
// asks for itself (live.js), so that focus and scroll position stay. What is left is announced. Back leads to where one
// was, also from another page.
const page = document.querySelector("[data-live]");
const announcer = document.querySelector("[data-announce]");
const address = () => location.pathname + location.search;
let shown = address();
let going;

// Where one is: in the nearest element with an id, such as a row.
function remember(element) {
  history.replaceState({ id: element?.closest("[id]")?.id, y: scrollY }, "");
}

function comeBack({ id, y }) {
  const place = document.getElementById(id);
  const target = place?.matches("a, button, input, select") ? place : place?.querySelector("[data-row-link]");
  target?.focus({ preventScroll: true });
  if (y !== undefined) scrollTo({ top: y, behavior: "instant" });
}

const changesInPlace = ({ origin, pathname, search }) =>
  page.hasAttribute("data-in-place") && origin === location.origin && pathname === location.pathname && search !== location.search;

function go(url, back) {
  going = { url, back };
  document.body.style.minHeight = `${scrollY + innerHeight}px`; // a shorter list does not pull the page up
  for (const menu of page.querySelectorAll("details[data-menu][open]")) menu.open = false;
  page.dispatchEvent(new CustomEvent("live:go", { detail: url.pathname + url.search }));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-live] a[href]");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  if (link.hasAttribute("download")) return;
  const url = new URL(link.href);
  remember(link);
  if (!changesInPlace(url)) return;
  event.preventDefault();
  go(url);
});

// After forms.js, which leaves out what says nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches("[data-live] form[data-filters]")) return;
  const url = new URL(form.action);
  url.search = new URLSearchParams(new FormData(form, event.submitter));
  remember(document.activeElement);
  if (!changesInPlace(url)) return;
  event.preventDefault();
  for (const field of form.elements) field.disabled = false;
  go(url);
});

page.addEventListener("live:came", () => {
  if (!going) return;
  const { url, back } = going;
  going = null;
  if (!back) history.pushState(null, "", url);
  shown = address();
  if (back) comeBack(back);
  else if (url.hash) {
    const rows = document.querySelector(url.hash);
    rows.focus({ preventScroll: true });
    rows.scrollIntoView();
  }
  const counts = [...page.querySelectorAll("[data-count]")].map((place) => place.textContent.trim());
  const said = counts.join(", ").replace(/\s+/g, " ");
  // The same words are not announced twice.
  announcer.textContent = announcer.textContent === said ? `${said}\u00a0` : said;
});

addEventListener("popstate", ({ state }) => {
  if (address() === shown) return;
  go(new URL(location.href), state ?? {});
});

if (history.state && performance.getEntriesByType("navigation")[0]?.type === "back_forward") comeBack(history.state);
