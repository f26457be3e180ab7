// A page keeps itself current ([data-live]): it asks for itself with a mark of what it shows, is told that nothing
// is newer (204) and when that was read, or swaps in what has come (morph.js), and says why and since when it cannot.
const page = document.querySelector("[data-live]");
const announcer = document.querySelector("[data-announce]");
const lost = document.querySelector("[data-lost]");
const ended = document.querySelector("[data-session-ended]");

// Seconds before each try while DCS is read, DCS fails, or the portal does not answer; the last one repeats.
const PAUSES = { reading: [0.3, 1, 2], retrying: [1, 5, 10, 20, 40, 60], lost: [2, 5, 10, 20, 40, 60] };
// Many pages wait for the same moment: by up to this part of a pause, they do not all ask in it.
const SPREAD = 0.6;
// So long after its last answer a page that asks every minute does not vouch for what it shows.
const LATE = 75_000;
const tries = { reading: 0, retrying: 0, lost: 0 };
let state = "quiet";
let due = Infinity;
let timer;
let asking = false;
let answered = Date.now();
let over = false; // the session has ended, or the page is not open to its viewer any more
let leaving = false;

// When to ask ---------------------------------------------------------------------------------------

function plan(next, after) {
  if (next === "reading" && state !== "reading") tries.reading = 0;
  if (next !== "lost") tries.lost = 0;
  if (next === "quiet" || next === "running") tries.retrying = 0;
  state = next;
  const pauses = PAUSES[next] ?? [0];
  const pause = pauses[Math.min(next in tries ? tries[next]++ : 0, pauses.length - 1)];
  const spread = next === "running" ? 1 : next === "reading" ? pause * SPREAD : 0;
  due = next === "quiet" && !after ? Infinity : Date.now() + (Math.max(after || 0, pause) + Math.random() * spread) * 1000;
  for (const place of document.querySelectorAll("[data-next-ask]")) place.dataset.since = portalTime(due);
  wait();
}

function wait() {
  clearTimeout(timer);
  if (over || document.hidden || due === Infinity) return;
  timer = setTimeout(ask, Math.max(0, due - Date.now()));
}

function askNow() {
  if (due === Infinity) return;
  due = Date.now();
  wait();
}

async function ask() {
  if (asking || over) return;
  asking = true;
  try {
    await swapping();
  } catch {
    asking = false;
    lose();
    return;
  }
  window.htmx.trigger(page, "live:ask");
}

// htmx is fetched by the first page that needs it, once that page is there.
let fetched;
function swapping() {
  fetched ??= fetchHtmx();
  fetched.catch(() => (fetched = null));
  return fetched;
}

async function fetchHtmx() {
  if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done, { once: true }));
  if (!window.htmx) await script(page.dataset.htmx);
  await script(page.dataset.idiomorph);
  await script(page.dataset.morph);
  window.htmx.process(document.body);
}

function script(src) {
  return new Promise((done, failed) => {
    const element = Object.assign(document.createElement("script"), { src, onload: done, onerror: failed });
    document.head.append(element);
  });
}

// What came back -------------------------------------------------------------------------------------

// Another address of this page is asked for in the same way (lists.js); what is asked for already gives way.
let going = "";
page.addEventListener("live:go", async ({ detail: address }) => {
  going = address;
  page.setAttribute("aria-busy", "true");
  try {
    if (over) throw new Error("this page asks no more");
    await swapping();
  } catch {
    return location.assign(address);
  }
  window.htmx.trigger(page, "htmx:abort");
  window.htmx.ajax("GET", address, { source: page, target: page, swap: "morph" });
});

function came(isThere) {
  if (!isThere) return location.assign(going); // it says why
  going = "";
  page.removeAttribute("aria-busy");
  page.dispatchEvent(new CustomEvent("live:came"));
}

const isOurs = (xhr) => Boolean(xhr.getResponseHeader("X-Shown-Generation"));

function shown() {
  answered = Date.now();
  skew = Date.parse(page.dataset.now) - Date.now();
  showNotes(page.dataset.live);
  plan(page.dataset.live, Number(page.dataset.after));
  forgetAnswer();
  tick(true);
}

function told({ state: next, after, asked, sentence, read, total, said, ...reading }) {
  answered = Date.now();
  for (const place of page.querySelectorAll("[data-asked]")) place.textContent = asked;
  if (reading.read_at) moveOn(reading);
  plan(next, after);
  // What takes no second look is not worth a word.
  if (next !== "reading" || tries.reading > 1) showNotes(next);
  for (const place of page.querySelectorAll("[data-progress-sentence]")) if (sentence) place.textContent = sentence;
  for (const bar of page.querySelectorAll("[data-progress]")) {
    if (total > 1) Object.assign(bar, { max: total, value: read, hidden: false });
  }
  answerRefresh(said);
}

// The same list was read again.
function moveOn({ read_at: at, written, request_ids: ids }) {
  for (const place of page.querySelectorAll("time[data-read]")) {
    place.dateTime = at;
    place.firstChild.data = `${written[place.dataset.read]} `;
  }
  for (const place of page.querySelectorAll("[data-since][data-read]")) place.dataset.since = at;
  for (const dot of page.querySelectorAll(".asof .dot")) dot.classList.remove("stale");
  for (const place of page.querySelectorAll("[data-request-ids]")) {
    place.textContent = ids[0] ?? "";
    place.title = place.parentElement.querySelector("[data-copy]").dataset.copy = ids.join("\n");
  }
}

// A page that could not ask claims no more than what it was told last.
function vouch() {
  const unchecked = over || !lost.hidden || (due !== Infinity && Date.now() - answered > LATE);
  document.body.classList.toggle("unchecked", unchecked);
  for (const place of page.querySelectorAll("[data-unchecked]")) place.hidden = !unchecked;
}

// What is said of a refresh by hand that brought nothing new; a while later it is not true any more.
let forgotten;
function answerRefresh(sentence = "") {
  for (const place of page.querySelectorAll("[data-said]")) place.textContent = sentence;
  if (sentence) say(sentence);
  forgetAnswer();
}

function forgetAnswer() {
  clearTimeout(forgotten);
  if (page.querySelector("[data-said]:not(:empty)")) forgotten = setTimeout(answerRefresh, 10_000, "");
}

function showNotes(now) {
  for (const place of page.querySelectorAll("[data-while]")) place.hidden = place.dataset.while !== now;
}

function lose() {
  if (lost.hidden) {
    lost.querySelector("[data-lost-since]").dataset.since = portalTime(Date.now());
    showAsOf(lost);
    lost.hidden = false;
    say(lost.querySelector("strong").textContent);
  }
  plan("lost");
  tick();
}

function stop(notice) {
  over = true;
  clearTimeout(timer);
  lost.hidden = true;
  showAsOf(notice);
  notice.hidden = false;
  vouch();
}

function showAsOf(notice) {
  const read = document.querySelector(".asof time");
  const asOf = notice.querySelector("[data-as-of]");
  if (!read || !asOf) return;
  asOf.querySelector("[data-as-of-time]").replaceChildren(read.cloneNode(true));
  asOf.hidden = false;
}

function say(sentence) {
  announcer.textContent = sentence;
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!over) {
    asking ||= event.detail.target === page;
    return;
  }
  event.preventDefault();
  const cause = event.detail.requestConfig.triggeringEvent;
  if (!ended.hidden && cause?.isTrusted && ["click", "submit"].includes(cause.type)) {
    ended.querySelector("[data-sign-in]").click();
  }
});
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr } = event.detail;
  if (xhr.status !== 401 || going) return;
  // The session has ended: what is on the screen stays. htmx would follow HX-Redirect even now.
  event.preventDefault();
  ended.querySelector("[data-sign-in]").href = xhr.getResponseHeader("HX-Redirect") || "/sign-in/";
  stop(ended);
});
page.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target !== page) return;
  // Problems are swapped in too; what a proxy says in the portal's place is not.
  detail.shouldSwap = isOurs(detail.xhr);
  detail.isError = false;
});
page.addEventListener("live:told", ({ detail }) => told(detail));
page.addEventListener("htmx:afterRequest", ({ detail: { target, xhr, pathInfo } }) => {
  if (target !== page) return;
  asking = false;
  if (over || leaving) return;
  if (going) {
    if (pathInfo.requestPath !== going) return;
    if (isOurs(xhr)) shown();
    return came(isOurs(xhr) || xhr.status === 204);
  }
  if (xhr.status === 204) {
    lost.hidden = true;
    tick(true);
  } else if (isOurs(xhr)) {
    lost.hidden = true;
    shown();
  } else if (xhr.status >= 400 && xhr.status < 500 && xhr.status !== 429) stop(document.querySelector("[data-refused]"));
  else lose();
});

// A finished backup is announced, and stands in the title until its viewer is back.
let title = document.title;
page.addEventListener("htmx:afterSettle", ({ target }) => {
  if (target !== page) return;
  title = document.title;
  const news = page.querySelector("[data-say]");
  if (news?.textContent.trim()) say(news.textContent);
  if (news?.dataset.title) document.title = `${news.dataset.title} · ${title}`;
  news?.remove();
});
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => (document.title = title));

// Refresh by hand: in place, where the script is there.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (over || window.htmx || !form.matches("[hx-post]")) return;
  event.preventDefault();
  swapping().then(() => form.requestSubmit(), () => form.submit());
});

// A form that tells how it reads what one types ([hx-trigger^="input"]) needs htmx from the first key on.
document.addEventListener("input", ({ target }) => {
  if (window.htmx || !target.closest('[hx-trigger^="input"]')) return;
  swapping().then(() => target.dispatchEvent(new Event("input", { bubbles: true })), () => {});
});

// Ages that count on ----------------------------------------------------------------------------------

const words = JSON.parse(announcer.dataset.ages);
const fill = (pattern, values) => pattern.replace(/%\((\w+)\)[sd]/g, (_, name) => values[name]);
const LONG = 60 * 86_400_000; // after two months nothing changes while a page is open
let skew = 0; // the portal's clock less this browser's
const portalTime = (mine) => (mine === Infinity ? "" : new Date(mine + skew).toISOString());

function span(seconds, short) {
  const [min, h, d] = [60, 3600, 86_400].map((unit) => Math.floor(seconds / unit));
  if (!min) return fill(words.s, { s: seconds });
  if (!h) return fill(words.min, { min });
  if (!d) return short || min % 60 === 0 ? fill(words.h, { h }) : fill(words["h min"], { h, min: min % 60 });
  return short || d >= 7 || h % 24 === 0 ? fill(words.d, { d }) : fill(words["d h"], { d, h: h % 24 });
}

const passed = (since) => Date.now() + skew - since;

function age(since, style) {
  const seconds = passed(since) / 1000;
  if (style === "span") return span(Math.max(0, Math.trunc(seconds)));
  if (style === "left") return span(Math.max(0, Math.trunc(-seconds)));
  if (style === "until" && seconds > -2) return words.now;
  if (seconds > -2 && seconds < 1) return words["just now"];
  return fill(seconds > 0 ? words.ago : words.in, { span: span(Math.trunc(Math.abs(seconds)), style === "short") });
}

function write(element, instant, style) {
  const since = Date.parse(instant);
  if (!(passed(since) < LONG)) return;
  const text = age(since, style);
  if (element.textContent !== text) element.textContent = text;
}

let ticks = 0;
function tick(all) {
  if (document.hidden) return;
  if (page.dataset.after) vouch();
  for (const place of document.querySelectorAll("[data-since]")) write(place, place.dataset.since, place.dataset.age);
  if (all !== true && ++ticks % 10) return;
  for (const place of document.querySelectorAll("time + .age")) {
    if (!place.firstElementChild) write(place, place.previousElementSibling.dateTime, "short");
  }
}

document.addEventListener("pointerover", ({ target }) => {
  const time = target.closest("time[title]");
  const since = Date.parse(time?.dateTime);
  if (!(passed(since) < LONG)) return;
  time.title = fill(words.title, { time: time.dateTime.replace("T", " ").replace("Z", ""), age: age(since) });
});

// Who leaves, who waits, and who comes back -----------------------------------------------------------

document.addEventListener("visibilitychange", () => {
  tick(true);
  if (document.hidden) clearTimeout(timer);
  else askNow();
});
addEventListener("pagehide", () => (leaving = true));
addEventListener("pageshow", ({ persisted }) => {
  leaving = false;
  if (persisted) askNow();
});
addEventListener("online", askNow);
document.addEventListener("click", ({ target }) => target.closest("[data-ask-now]") && askNow());

shown();
setInterval(tick, 1000);
// Before it is needed: a new version of the portal may have taken the script of this one away by then.
if (due !== Infinity) swapping().catch(() => {});
