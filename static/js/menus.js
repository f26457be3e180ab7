// Menus (<details data-menu>): one is open at a time; a click outside or Escape closes it, arrows walk in it.
const menus = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener("click", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  const menu = target.closest("details[data-menu]");
  if (!menu || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  // In a field they are the field's; a closed menu opens by its arrow.
  if (target.matches("input:not([type=checkbox]), select, textarea") || (!menu.open && key !== "ArrowDown")) return;
  menu.open ||= key === "ArrowDown";
  const items = [...menu.querySelectorAll(".pop :is(a, button, input, select, summary)")].filter((item) => item.checkVisibility());
  const at = items.indexOf(target);
  const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? -1 : at - 1, Home: 0, End: -1 }[key];
  if (to === undefined) return;
  event.preventDefault();
  items.at(to % items.length)?.focus();
});

// A zone that is typed wrong is answered in the menu, with what may be meant.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const place = form.querySelector("[data-zone-answer]");
  if (!place) return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  const headers = { "HX-Request": "true" };
  const answer = await fetch(form.action, { method: "POST", body, headers, redirect: "manual" }).catch(() => ({}));
  if (answer.status === 204) return location.assign(answer.headers.get("Location"));
  if (answer.status !== 400) return form.submit();
  place.innerHTML = await answer.text();
});

// The browser's own zone is offered where it is not the chosen one.
for (const button of document.querySelectorAll("[data-own-zone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || button.form.querySelector(`[value="${CSS.escape(zone)}"]`)) continue;
  button.value = zone;
  button.querySelector("[data-zone-name]").textContent = zone;
  button.hidden = false;
}
