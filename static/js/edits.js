// A list of edits or exports follows what runs until nothing does.
import { announce, get } from "./page.js";

const PAUSE_MS = 1500;

const find = (page) => page.querySelector("[data-follow]");
const list = () => find(document);
const statusOf = (id) => document.getElementById(id)?.dataset.status;

async function refresh() {
  const news = find(await get(location.pathname));
  const ended = [...news.querySelectorAll("[data-status=succeeded]")].filter(({ id }) =>
    ["queued", "running"].includes(statusOf(id)),
  );
  const isTouched = list().contains(document.activeElement);
  // A button that is about to be pressed stays, unless what it does has changed.
  if (!isTouched || ended.length || !("active" in news.dataset)) list().replaceWith(news);
  else for (const bar of news.querySelectorAll("progress")) move(bar);
  for (const { id } of ended) {
    const link = document.getElementById(id).querySelector(".queue-list__acts a");
    announce(link.textContent.trim(), link.href);
  }
}
function move(bar) {
  const { id } = bar.closest("li");
  const shown = document.getElementById(id)?.querySelector("progress");
  if (shown) shown.value = bar.value;
}
async function follow() {
  while ("active" in list().dataset) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (!document.hidden) await refresh().catch(() => {});
  }
}
follow();
