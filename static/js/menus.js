// Menus (<details data-menu>): one is open at a time; a click outside or Escape closes it.
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

// The browser's own zone is offered where it is not the chosen one.
for (const button of document.querySelectorAll("[data-own-zone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || button.form.querySelector(`[value="${CSS.escape(zone)}"]`)) continue;
  button.value = zone;
  button.querySelector("[data-zone-name]").textContent = zone;
  button.hidden = false;
}
