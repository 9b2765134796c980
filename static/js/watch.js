// One video, or two side by side: pictures one by one, and both at once.
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

// ---- two films start, stop and move together ----
const together = document.getElementById("together");
const films = [...document.querySelectorAll(".side-by-side video")];
if (together && films.length === 2) {
  const words = together.querySelector("span");
  const play = words.textContent;
  together.hidden = false;
  together.addEventListener("click", () => {
    const on = films.some((film) => film.paused);
    for (const film of films) {
      film.muted = film !== films[1];
      film.currentTime = films[1].currentTime;
      if (on) film.play().catch(() => {});
      else film.pause();
    }
    words.textContent = on ? together.dataset.pause : play;
  });
}
