// The numbers beside library and tabs change with the cards at once; the server's follow.
const numbers = new Intl.NumberFormat(document.documentElement.lang);
const TABS = { done: "ready", failed: "attention", blocked: "attention" };

function tabsOf(card) {
  const tab = "active" in card.dataset ? "rendering" : TABS[card.dataset.state];
  const isFavourite = card.querySelector("[data-favourite] [aria-pressed=true]");
  return ["all", tab, isFavourite && "favourites"].filter(Boolean);
}

export function count(cards, by) {
  const sidebar = document.querySelector("[data-part=library-count]");
  add(sidebar, by * cards.length);
  for (const tab of cards.flatMap(tabsOf))
    add(document.querySelector(`[data-count=${tab}] .numeric`), by);
}

function add(place, by) {
  const shown = place?.textContent.trim();
  if (!/\d$/.test(shown ?? "")) return; // empty, or the "+" of a search that has more
  place.textContent = numbers.format(Math.max(Number(shown.replaceAll(/\D/g, "")) + by, 0));
}
