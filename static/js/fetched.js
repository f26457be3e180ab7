// A block that fetches what it shows when it is opened: a details around a [data-fetch], whose link leads there too.
document.addEventListener("toggle", async ({ target }) => {
  const place = target.open && target.querySelector("[data-fetch]:not([data-fetched])");
  if (!place) return;
  place.dataset.fetched = "";
  try {
    const answer = await fetch(place.dataset.fetch, { headers: { "HX-Request": "true" } });
    // Its own page says why, or leads to the sign-in.
    if (!answer.ok) return location.assign(place.dataset.fetch);
    place.innerHTML = await answer.text();
  } catch {
    delete place.dataset.fetched;
  }
}, true);
