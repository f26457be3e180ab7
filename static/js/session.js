// A session that ends behind a page: what is on screen stays, a notice says so, and nothing is refreshed any more.
const notice = document.querySelector("[data-session-ended]");
let ended = false;

function say(xhr) {
  ended = true;
  notice.querySelector("[data-sign-in]").href = xhr.getResponseHeader("HX-Redirect") || "/sign-in/";
  const read = document.querySelector(".asof time");
  const asOf = notice.querySelector("[data-as-of]");
  if (read) {
    asOf.querySelector("[data-as-of-time]").replaceChildren(read.cloneNode(true));
    asOf.hidden = false;
  }
  notice.hidden = false;
}

if (notice) {
  // htmx would follow HX-Redirect even on a 401, and with it the page would be gone.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { xhr } = event.detail;
    if (xhr.status !== 401) return;
    event.preventDefault();
    say(xhr);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!ended) return;
    event.preventDefault();
    const cause = event.detail.requestConfig.triggeringEvent;
    if (cause?.isTrusted && ["click", "submit"].includes(cause.type)) notice.querySelector("[data-sign-in]").click();
  });
}
