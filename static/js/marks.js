// Rows are marked by their boxes, to be compared by the form around them ([data-marks]): two at most, the first gives
// way. They stay marked from page to page of this tab, also where the row is not on the page.
const key = () => `marks ${location.pathname}`;
const marks = () => new Map(JSON.parse(sessionStorage.getItem(key()) ?? "[]"));
const nameOf = (box) => box.closest("tr").querySelector("[data-row-link]").textContent.trim();

function show() {
  const form = document.querySelector("[data-marks]");
  if (!form) return;
  const marked = marks();
  const boxes = [...form.querySelectorAll("[type=checkbox]")];
  for (const box of boxes) box.checked = marked.has(box.value);
  const elsewhere = [...marked.keys()].filter((id) => !boxes.some((box) => box.value === id));
  form.querySelector("[data-marked]").replaceChildren(
    [...marked.values()].join(" · "),
    ...elsewhere.map((value) => Object.assign(document.createElement("input"), { type: "hidden", name: "backup", value })),
  );
  form.querySelector("[data-marks-hint]").hidden = marked.size === 2;
  form.querySelector("[data-compare]").hidden = marked.size < 2;
}

function keep(marked) {
  sessionStorage.setItem(key(), JSON.stringify([...marked].slice(-2)));
  show();
}

document.addEventListener("change", ({ target: box }) => {
  if (!box.matches("[data-marks] [type=checkbox]")) return;
  const marked = marks();
  if (box.checked) marked.set(box.value, nameOf(box));
  else marked.delete(box.value);
  keep(marked);
  document.querySelector("[data-announce]").textContent = box.form.querySelector("p").innerText;
});
document.addEventListener("reset", ({ target }) => target.matches("[data-marks]") && keep([]));
document.addEventListener("htmx:afterSettle", show);
addEventListener("pageshow", show); // Back may bring boxes as they were left
