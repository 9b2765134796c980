// Waits for a payment to arrive and shows the page as it is then; without this file it reloads itself.
const shown = () => document.getElementById("payment");

async function look(pause) {
  const response = document.hidden
    ? null
    : await fetch(location.href, { redirect: "error" }).catch(() => null);
  const fresh = response?.ok
    ? new DOMParser().parseFromString(await response.text(), "text/html")
    : null;
  const next = fresh?.getElementById("payment");
  if (!next || next.dataset.status === "pending")
    return setTimeout(look, pause, Math.min(pause * 1.3, 15000));
  shown().replaceWith(next);
  document.getElementById("said").textContent = next
    .querySelector("[data-said]")
    .textContent.trim();
  for (const part of document.querySelectorAll("[data-part]")) {
    const now = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    if (now) part.replaceWith(now);
  }
}
if (shown().dataset.status === "pending") setTimeout(look, 1500, 2000);

document.addEventListener("click", (event) => event.target.closest("[data-print]") && print());
