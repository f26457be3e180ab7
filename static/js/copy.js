// Copying: [data-copy] holds the text, or stands at a link whose address is copied. [data-ticket] and its like are
// links to a text that the server writes, as rich text and as plain. What was copied says so in its own place for a
// moment. Without a clipboard (or a script) buttons stay hidden and links stay links.
const live = document.querySelector("[data-announce]");
let fading;

// The place shows a word, and the sentence is announced: where the place is not in sight, it is seen as well.
function say(place, sentence, old = false) {
  const { copied, copiedOld } = live.dataset;
  const announced = document.querySelector("dialog[open] [data-announce]") ?? live; // nothing is heard behind a dialog
  const box = place.getBoundingClientRect();
  silence();
  place.dataset.done = old ? copiedOld : copied;
  place.classList.toggle("old", old);
  announced.textContent = old ? copiedOld : sentence ?? copied;
  announced.classList.toggle("seen", !box.width || box.top < 0 || box.bottom > innerHeight);
  fading = setTimeout(silence, 2600);
}

function silence() {
  clearTimeout(fading);
  for (const place of document.querySelectorAll("[data-done]")) delete place.dataset.done;
  for (const announced of document.querySelectorAll("[data-announce]")) {
    announced.textContent = "";
    announced.classList.remove("seen");
  }
}

// A menu closes when something was chosen from it, and the button beside it is the place.
function placeOf(element) {
  const menu = element.closest("details[data-menu]");
  if (!menu) return element;
  const summary = menu.querySelector("summary");
  menu.open = false;
  summary.focus();
  return menu.parentElement.querySelector(":scope > [data-ticket]") ?? summary;
}

async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.dataset.copy || element.href);
  } catch {
    if (element.href) location.assign(element.href);
    return;
  }
  say(placeOf(element), element.dataset.copied);
}

// Texts for tickets -----------------------------------------------------------------------------------

const isText = (answer) => answer.headers.has("X-Ticket"); // what a proxy says in the portal's place has none

function markChosen(markup) {
  for (const item of document.querySelectorAll("[data-ticket-as]")) {
    if (item.dataset.ticketAs === markup) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  }
}

async function written(href) {
  const answer = await fetch(href, { headers: { "HX-Request": "true" } });
  if (!isText(answer)) throw new Error("no text");
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

const CONTENTS = {
  "text/plain": (root) => root.querySelector("[data-ticket-text]").value,
  "text/html": (root) => root.querySelector("[data-ticket-shown]").innerHTML.trim(),
};

// `text` is a promise of what the server wrote. The clipboard is asked within the click, and gets its contents when
// they have come: Safari allows it no later.
async function copyTicket(text, sentence, place, link) {
  const contents = Object.entries(CONTENTS).map(([type, read]) => [
    type,
    text.then((root) => new Blob([read(root)], { type })),
  ]);
  try {
    await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(contents))]);
  } catch {
    if (link) location.assign(link);
    return;
  }
  say(place(), sentence, Boolean((await text).querySelector("[data-ticket-old]")));
}

function copyLinked(link) {
  if (link.dataset.ticketAs) markChosen(link.dataset.ticketAs);
  copyTicket(written(link.href), link.dataset.copied, () => placeOf(link), link.href);
}

let dialog;
async function preview(href, choice) {
  const answer = await fetch(href, { headers: { "HX-Request": "true" } });
  if (!isText(answer)) return location.assign(href);
  if (!dialog) {
    dialog = Object.assign(document.createElement("dialog"), { className: "panel dialog ticket-dialog" });
    dialog.setAttribute("aria-labelledby", "ticket-title");
    dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
    document.body.append(dialog);
  }
  dialog.innerHTML = await answer.text();
  offer(dialog);
  if (!dialog.open) dialog.showModal();
  const group = choice && dialog.querySelector(`[aria-labelledby="${choice}"]`);
  (group?.querySelector("[aria-current]") ?? dialog.querySelector("[data-ticket-copy]"))?.focus();
}

function choose(element, href) {
  preview(href, element.closest("[data-choice]")?.getAttribute("aria-labelledby"));
}

// What is clicked -------------------------------------------------------------------------------------

function offer(root) {
  for (const element of root.querySelectorAll(":is([data-copy], [data-ticket-copy])[hidden]")) element.hidden = false;
}

const actions = {
  "[data-copy]": copy,
  "[data-ticket], [data-ticket-as], [data-ticket-for]": copyLinked,
  "[data-ticket-copy]": (button) => copyTicket(Promise.resolve(document), button.dataset.copied, () => button),
  "[data-ticket-preview]": (link) => {
    placeOf(link);
    preview(link.href);
  },
  "dialog a[data-ticket-choice]": (link) => choose(link, link.href),
};

if (navigator.clipboard && window.ClipboardItem) {
  offer(document);
  document.addEventListener("htmx:afterSettle", () => offer(document));
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    for (const [selector, act] of Object.entries(actions)) {
      const element = event.target.closest(selector);
      if (!element) continue;
      event.preventDefault();
      act(element);
      return;
    }
  });
  // A row that is highlighted is copied by a key (keys.js): the text of the page that it leads to.
  document.addEventListener("copy:row", ({ target }) => {
    const url = new URL(target.href);
    url.pathname += "ticket/";
    copyTicket(written(url), target.dataset.copied, () => target, url);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("dialog form[data-ticket-choice]")) return;
    event.preventDefault();
    choose(form, `${form.action}?${new URLSearchParams(new FormData(form))}`);
  });
}
