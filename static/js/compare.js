// Two videos: they start, stop and move together, and one can be wiped over the other.
// A follower that is less behind catches up by its speed, which nobody sees; else it jumps.
const JUMP_SECONDS = 0.3;
const stage = document.getElementById("comparison");
const films = [...stage.querySelectorAll("video")];
const bar = document.getElementById("comparison-bar");
const together = document.getElementById("together");
const moment = document.getElementById("moment");
const wipe = document.getElementById("wipe");
const how = document.getElementById("how");

// The longer one leads, the other one follows as far as it reaches.
const lead = () => (films[0].duration > films[1].duration ? films[0] : films[1]);
const follower = () => films.find((film) => film !== lead());
const length = () => lead().duration || 0;

function moveTo(seconds) {
  for (const film of films)
    film.currentTime = Math.min(seconds, Math.max((film.duration || seconds) - 0.05, 0));
}
function play() {
  hear();
  const at = lead().currentTime;
  moveTo(at >= lead().duration - 0.1 ? 0 : at);
  for (const film of films) film.play().catch(() => {});
}
function stop() {
  for (const film of films) film.pause();
  moveTo(lead().currentTime);
}
const isPlaying = () => !lead().paused;
const toggle = () => (isPlaying() ? stop() : play());

function show() {
  const on = isPlaying();
  together.ariaLabel = on ? together.dataset.pause : together.dataset.play;
  together.toggleAttribute("data-playing", on);
}
function follow() {
  const [first, second] = [lead(), follower()];
  if (length()) moment.value = (1000 * first.currentTime) / length();
  if (first.paused) return;
  const isOver = second.duration && first.currentTime > second.duration - 0.05;
  if (isOver) return second.pause();
  const behind = first.currentTime - second.currentTime;
  if (Math.abs(behind) > JUMP_SECONDS) second.currentTime = first.currentTime;
  second.playbackRate = 1 + Math.max(-0.2, Math.min(2 * behind, 0.2));
  if (second.paused) second.play().catch(() => {});
}

// ---- one over the other ----
const isWiped = () => stage.dataset.how === "wipe";
// Of two sounds one is heard: that of the video of which more is shown.
function hear() {
  const heard = isWiped() && wipe.value > 50 ? 0 : 1;
  for (const [n, film] of films.entries()) film.muted = n !== heard;
}
function cut(percent) {
  wipe.value = percent;
  stage.style.setProperty("--wipe", `${wipe.value}%`);
  for (const button of document.querySelectorAll("#wiping button"))
    button.ariaPressed = button.value === wipe.value;
  hear();
}
function choose(word) {
  stage.dataset.how = word;
  for (const button of how.querySelectorAll("button")) button.ariaPressed = button.value === word;
  for (const film of films) film.controls = word === "side";
  document.getElementById("wiping").hidden = word === "side";
  cut(wipe.value);
}
function drag(event) {
  const { left, width } = films[0].getBoundingClientRect();
  cut((100 * (event.clientX - left)) / width);
}

if (bar && films.length === 2) {
  for (const film of films) {
    film.loop = false;
    film.preload = "metadata";
    for (const word of ["play", "pause", "ended"]) film.addEventListener(word, show);
    film.addEventListener("timeupdate", follow);
    film.addEventListener("ended", () => film === lead() && !document.hidden && play());
  }
  together.addEventListener("click", toggle);
  moment.addEventListener("input", () => moveTo((moment.value / 1000) * length()));
  wipe.addEventListener("input", () => cut(wipe.value));
  how.addEventListener("click", ({ target }) => target.value && choose(target.value));
  document.getElementById("wiping").addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button) cut(button.value);
  });
  stage.addEventListener("pointerdown", (event) => {
    if (!isWiped() || event.button || event.target.closest("a, button")) return;
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    drag(event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (isWiped() && stage.hasPointerCapture(event.pointerId)) drag(event);
  });
  // A and B show one of them, the space bar plays both; single keys can be switched off.
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    const isTyping = target.matches("select, textarea, input:not([type=range])");
    const isOff = !document.getElementById("keys-on").checked;
    if (isTyping || isOff || event.metaKey || event.ctrlKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (key === " " && target.matches("body, #main, [type=range]")) {
      event.preventDefault();
      toggle();
    } else if (key === "a" || key === "b") {
      choose("wipe");
      cut(key === "a" ? 100 : 0);
    }
  });
}
