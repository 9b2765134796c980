// Public walls: clips play without sound, in view or under the pointer; the start page's picture moves.
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const touch = matchMedia("(hover: none)");
const MOST_AT_ONCE = 6;
const button = document.getElementById("motion");
const saving = () => calm.matches || navigator.connection?.saveData;
const allowed = () => localStorage.motion !== "off" && !saving();

// ---- one film over a picture ----
function start(card) {
  if (card.film || !allowed()) return;
  const film = Object.assign(document.createElement("video"), {
    muted: true,
    loop: true,
    playsInline: true,
    src: card.dataset.film,
    className: "film",
    tabIndex: -1,
    ariaHidden: "true",
  });
  card.film = film;
  const show = () => card.film === film && card.querySelector("img").after(film);
  film.addEventListener("playing", show, { once: true });
  film.play().catch(() => {});
}

function stop(card) {
  if (!card.film) return;
  card.film.pause();
  card.film.removeAttribute("src"); // ends the download
  card.film.load();
  card.film.remove();
  card.film = null;
}

// ---- in view: the feed, the start page's picture, and every wall where nothing hovers ----
const cards = [...document.querySelectorAll("[data-film]")];
// What plays by itself needs the button that stops it.
const plays = (card) => button && (touch.matches || card.closest("[data-plays-in-view]"));
const seen = new Set();
function update() {
  const playing = [...seen].slice(0, MOST_AT_ONCE);
  for (const card of cards.filter((each) => plays(each))) {
    if (allowed() && playing.includes(card)) start(card);
    else stop(card);
  }
}
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) seen.add(target);
      else seen.delete(target);
    }
    update();
  },
  { threshold: 0.6 },
);
for (const card of cards) watcher.observe(card);

// ---- under the pointer, or with the focus of the keyboard ----
for (const card of cards) {
  for (const [word, act] of [
    ["pointerenter", start],
    ["focusin", start],
    ["pointerleave", stop],
    ["focusout", stop],
  ]) {
    card.addEventListener(word, () => {
      if (!plays(card)) act(card);
    });
  }
}

// ---- the button that stops all of it ----
function showButton() {
  button.hidden = Boolean(saving());
  button.ariaPressed = String(localStorage.motion === "off");
}
button?.addEventListener("click", () => {
  localStorage.motion = localStorage.motion === "off" ? "on" : "off";
  showButton();
  update();
});
calm.addEventListener("change", () => {
  if (button) showButton();
  update();
});
if (button) showButton();
