// Copying: [data-copy] holds the text; a link without one copies its own address. Without a clipboard
// (or a script) buttons stay hidden and links stay links.
const live = document.querySelector("[data-announce]");

async function copy(element) {
  const text = element.dataset.copy || element.href;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (element.href) location.assign(element.href);
    return;
  }
  const word = element.dataset.copied;
  element.classList.add("done");
  live.textContent = word;
  const label = element.querySelector("[data-copy-label]");
  const before = label?.textContent;
  if (label) label.textContent = word;
  setTimeout(() => {
    element.classList.remove("done");
    live.textContent = "";
    if (label) label.textContent = before;
  }, 1600);
}

function offer(root) {
  for (const element of root.querySelectorAll("[data-copy][hidden]")) element.hidden = false;
}

if (navigator.clipboard) {
  offer(document);
  document.addEventListener("htmx:afterSettle", () => offer(document));
  document.addEventListener("click", (event) => {
    const element = event.target.closest("[data-copy]");
    if (!element || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!element.classList.contains("done")) copy(element);
  });
}
