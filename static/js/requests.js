// Shows new requests as they come in; without this file the page is as old as its last reload.
import { get } from "./page.js";

// Milliseconds between two looks: short after something has changed, longer while nothing does.
const SHORTEST = 2000;
const LONGEST = 10000;
const shown = () => document.getElementById("requests");
// Whoever reads or copies a row does not want it to move.
const isRead = () =>
  shown().contains(document.activeElement) || shown().contains(getSelection()?.focusNode ?? null);

async function refresh(pause) {
  let next = Math.min(pause * 1.25, LONGEST);
  if (!document.hidden && !isRead()) {
    const fresh = await get(location.href).catch(() => null);
    const rows = fresh?.getElementById("requests");
    if (rows && rows.innerHTML !== shown().innerHTML && !isRead()) {
      shown().replaceWith(rows);
      next = SHORTEST;
    }
  }
  setTimeout(refresh, next, next);
}
if ("live" in shown().dataset) setTimeout(refresh, SHORTEST, SHORTEST);
