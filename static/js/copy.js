// Copying: [data-copy] holds the text; a link without one copies its own address, and [data-copy-from] names the
// field that has it. [data-ticket] is a link to a text that the server writes. Without a clipboard (or a script)
// buttons stay hidden and links stay links.
const live = document.querySelector("[data-announce]");
const toast = Object.assign(document.createElement("div"), { className: "toast", hidden: true });
toast.setAttribute("aria-hidden", "true"); // it is announced where nobody sees it
let fading;

function say(element) {
  const sentence = element.dataset.copied;
  live.textContent = toast.textContent = sentence;
  (document.querySelector("dialog[open]") ?? document.body).append(toast); // above whatever is open
  toast.hidden = false;
  element.classList.add("done");
  clearTimeout(fading);
  fading = setTimeout(() => {
    toast.hidden = true;
    live.textContent = "";
    for (const done of document.querySelectorAll(".done")) done.classList.remove("done");
  }, 2600);
}

function close(element) {
  const menu = element.closest("details[data-menu]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
}

function textOf(element) {
  const field = element.dataset.copyFrom && document.querySelector(element.dataset.copyFrom);
  return field ? field.value : element.dataset.copy || element.href;
}

async function copy(element) {
  try {
    await navigator.clipboard.writeText(textOf(element));
  } catch {
    if (element.href) location.assign(element.href);
    return;
  }
  say(element);
}

// Texts for tickets -----------------------------------------------------------------------------------

const isText = (answer) => answer.headers.has("X-Ticket"); // what a proxy says in the portal's place has none

async function written(link) {
  const answer = await fetch(link.href, { headers: { Accept: "text/plain" } });
  if (!isText(answer)) throw new Error("no text");
  for (const item of document.querySelectorAll("[data-ticket-as]")) {
    const last = item.dataset.ticketAs === answer.headers.get("X-Ticket");
    if (last) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  }
  return answer.text();
}

async function copyTicket(link) {
  // The clipboard is asked within the click, and gets its text when it has come: Safari allows it no later.
  const text = written(link).then((content) => new Blob([content], { type: "text/plain" }));
  try {
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]);
  } catch {
    location.assign(link.href);
    return;
  }
  close(link);
  say(link);
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
  (group?.querySelector("[aria-current]") ?? dialog.querySelector("[data-copy-from]"))?.focus();
}

function choose(element, href) {
  preview(href, element.closest("[data-choice]")?.getAttribute("aria-labelledby"));
}

// What is clicked -------------------------------------------------------------------------------------

function offer(root) {
  for (const element of root.querySelectorAll(":is([data-copy], [data-copy-from])[hidden]")) element.hidden = false;
}

const actions = {
  "[data-copy], [data-copy-from]": (element) => {
    close(element);
    copy(element);
  },
  "[data-ticket], [data-ticket-as]": copyTicket,
  "[data-ticket-preview]": (link) => {
    close(link);
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
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("dialog form[data-ticket-choice]")) return;
    event.preventDefault();
    choose(form, `${form.action}?${new URLSearchParams(new FormData(form))}`);
  });
}
