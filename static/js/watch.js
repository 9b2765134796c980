// The page of a video: frames one by one, its link, and how the next version is made.
import { get } from "./page.js";

const FRAME_SECONDS = 1 / 24;
const watched = () => document.querySelector("#stage video");

// ---- the picture that is shown is the one that is taken ----
const take = () => document.getElementById("at");
for (const word of ["timeupdate", "seeked", "pause"]) {
  document.addEventListener(
    word,
    (event) => {
      if (event.target === watched()) take().value = event.target.currentTime.toFixed(2);
    },
    { capture: true },
  );
}
document.addEventListener("change", (event) => {
  if (event.target === take()) watched().currentTime = Number(event.target.value) || 0;
});
document.addEventListener("click", (event) => {
  const step = event.target.closest("[data-step]")?.dataset.step;
  if (!step) return;
  const film = watched();
  film.pause();
  film.preload = "auto";
  film.currentTime = Math.max(0, film.currentTime + step * FRAME_SECONDS);
});

// ---- the link is made where one is, and copied ----
document.addEventListener("submit", async (event) => {
  const { submitter, target: form } = event;
  if (!form.matches("[data-share]") || "asked" in form.dataset) return;
  event.preventDefault();
  const request = { method: "POST", body: new FormData(form, submitter), redirect: "follow" };
  const fresh = (await get(form.action, request).catch(() => null))?.getElementById("sharing");
  if (!fresh) {
    form.dataset.asked = "";
    return form.requestSubmit(submitter);
  }
  const menu = form.closest("[popover]");
  menu.replaceChildren(...fresh.childNodes);
  const copy = menu.querySelector("[data-copy]");
  document.querySelector("[popovertarget=sharing]").classList.toggle("btn--active", !!copy);
  (copy ?? menu.querySelector("[type=submit]")).focus();
  copy?.click();
});

// ---- a link from elsewhere says how the next version is made ----
if (location.hash === "#extend") {
  document.querySelector(".next-version [value=extend]")?.click();
  document.getElementById("happens")?.focus();
}
