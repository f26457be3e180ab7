// The find box ([data-suggest]): what fits as one types, or what was opened last; arrows choose, Enter opens.
const PAUSE = 120;

for (const input of document.querySelectorAll("[data-suggest]")) {
  const list = input.form.querySelector("[role=listbox]");
  let timer, asked;
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-autocomplete", "list");

  const options = () => [...list.querySelectorAll("[role=option]")];
  const chosen = () => list.querySelector('[aria-selected="true"]');

  function show(open) {
    list.hidden = !open;
    input.setAttribute("aria-expanded", String(open));
    if (!open) choose(null);
  }

  function choose(option) {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  async function suggest() {
    const text = input.value.trim();
    asked?.abort();
    asked = new AbortController();
    // A link or a ticket's text is for Enter.
    if (text.length > 60 || text.includes("/")) return show(false);
    const url = `${input.dataset.suggest}?q=${encodeURIComponent(text)}`;
    try {
      const answer = await fetch(url, { signal: asked.signal, headers: { "HX-Request": "true" } });
      if (!answer.ok) return show(false);
      list.innerHTML = await answer.text();
    } catch {
      return; // aborted by the next key, or away: the box itself still works
    }
    show(document.activeElement === input && options().length > 0);
  }

  function step(by) {
    const all = options();
    const at = all.indexOf(chosen());
    choose(at < 0 ? all[by > 0 ? 0 : all.length - 1] : (all[at + by] ?? null));
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, PAUSE);
  });
  input.addEventListener("focus", suggest);
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") step(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Escape") show(false);
    else if (event.key === "Enter" && chosen()) chosen().click();
    else return;
    event.preventDefault();
  });
  input.form.addEventListener("focusout", ({ relatedTarget }) => {
    if (!input.form.contains(relatedTarget)) show(false);
  });
  // The pointer must not take the focus away before its click arrives.
  list.addEventListener("mousedown", (event) => event.preventDefault());
}
