// Filter forms ([data-filters]): a choice applies at once, and what says nothing is left out of the link.
for (const form of document.querySelectorAll("form[data-filters]")) {
  form.addEventListener("submit", () => {
    for (const field of form.elements) {
      if (field.name && field.value.trim() === "") field.disabled = true;
    }
  });
  form.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-instead-of]") || !target.value.trim()) return;
    for (const name of target.dataset.insteadOf.split(" ")) form.elements[name].value = "";
  });
  form.addEventListener("change", ({ target }) => {
    if (target.matches("select:not([data-waits])")) form.requestSubmit();
  });
}
// Back brings the page with its fields as they were left.
addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[data-filters] :disabled")) field.disabled = false;
});
