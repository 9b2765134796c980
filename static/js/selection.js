// Selecting several videos of a library or a collection; it begins without leaving the page.
import { get } from "./page.js";

const boxes = () => [...document.querySelectorAll(".card__checkbox")];
const bulk = () => document.getElementById("bulk");
let last = null;

function count() {
  const form = bulk();
  if (!form) return;
  const n = boxes().filter((box) => box.checked).length;
  const words = document.getElementById("selected");
  words.textContent = n ? words.dataset.some.replace("%s", n) : words.dataset.none;
  for (const button of form.querySelectorAll("[type=submit], [popovertarget]"))
    button.disabled = !n;
}

function select(box, on, range) {
  const all = boxes();
  const [from, to] = [all.indexOf(range && last ? last : box), all.indexOf(box)].toSorted(
    (a, b) => a - b,
  );
  for (const each of all.slice(from, to + 1)) each.checked = on;
  last = box;
  count();
}

// The boxes and the bar come from the page that the link leads to; the cards stay as they are.
async function begin() {
  const link = document.getElementById("select");
  const page = await get(link.href).catch(() => null);
  const form = page?.getElementById("bulk");
  if (!form) return location.assign(link.href);
  for (const card of document.querySelectorAll(".card[data-id]")) {
    const box = page.getElementById(card.id)?.querySelector(".card__checkbox");
    if (box) card.querySelector(".card__body").before(box);
  }
  document.querySelector("main > .container").append(form);
  history.replaceState(null, "", link.href);
  link.replaceWith(page.getElementById("end-selecting"));
  const hidden = page.querySelector("#find [name=select]");
  if (hidden) document.getElementById("find")?.append(hidden);
  count();
}

document.addEventListener("click", async (event) => {
  if (event.metaKey || event.ctrlKey) return;
  if (event.target.closest("#select")) {
    event.preventDefault();
    await begin();
    return document.getElementById("end-selecting")?.focus();
  }
  if (event.target.closest("#select-all")) {
    const on = boxes().some((box) => !box.checked);
    for (const box of boxes()) box.checked = on;
    return count();
  }
  const box = event.target.closest(".card")?.querySelector(".card__checkbox");
  if (!box) return;
  if (event.target === box) return select(box, box.checked, event.shiftKey);
  if (!event.target.closest(".card__title a")) return;
  event.preventDefault();
  select(box, !box.checked, event.shiftKey);
});
// A key selects a card before there are boxes: js/keys.js names it.
document.addEventListener("select-card", async (event) => {
  if (!document.getElementById("select")) return;
  await begin();
  const box = event.detail?.querySelector(".card__checkbox");
  if (box) select(box, true, false);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open], :popover-open")) return;
  for (const box of boxes()) box.checked = false;
  count();
});
document.addEventListener("cards", count);
addEventListener("pageshow", count);
