// Filter forms ([data-filters]): a choice applies at once, and what says nothing is left out of the link.
// They are watched from the document, since a form may come with a swap.
document.addEventListener("submit", ({ target: form }) => {
  if (!form.matches("[data-filters]")) return;
  for (const field of form.elements) {
    if (field.name && field.value.trim() === "") field.disabled = true;
  }
});
document.addEventListener("change", ({ target }) => {
  const form = target.form;
  if (!form?.matches("[data-filters]")) return;
  if (target.matches("[data-instead-of]") && target.value.trim()) {
    for (const name of target.dataset.insteadOf.split(" ")) form.elements[name].value = "";
  }
  if (target.matches("select:not([data-waits])")) form.requestSubmit();
});
// Back brings the page with its fields as they were left.
addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[data-filters] :disabled")) field.disabled = false;
});
