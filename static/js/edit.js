// Marks on the player: where the part that is kept begins and ends.
const FRAME_SECONDS = 1 / 24;
const film = document.getElementById("film");
const track = document.getElementById("track");
const [start, end] = ["trim_start", "trim_end"].map((id) => document.getElementById(id));
const now = document.getElementById("now");
const kept = document.getElementById("kept");
let isPartPlayed = false;

const length = () => film.duration || Number(end.value) || 1;
const from = () => Math.min(Number(start.value) || 0, length());
const to = () => Math.min(end.value === "" ? length() : Number(end.value), length());
const round = (seconds) => Number(seconds.toFixed(3));

function show() {
  for (const [name, seconds] of [
    ["--start", from()],
    ["--end", Math.max(from(), to())],
    ["--now", film.currentTime],
  ])
    track.style.setProperty(name, `${(100 * seconds) / length()}%`);
  now.value = film.currentTime.toFixed(2);
  kept.value = `${Math.max(to() - from(), 0).toFixed(2)} s`;
}
function mark(field) {
  field.value = round(film.currentTime);
  show();
}
function step(frames) {
  film.pause();
  film.currentTime = Math.max(0, Math.min(film.currentTime + frames * FRAME_SECONDS, length()));
}
function playPart() {
  film.currentTime = from();
  isPartPlayed = true;
  film.play().catch(() => {});
}
film.addEventListener("timeupdate", () => {
  if (isPartPlayed && film.currentTime >= to()) film.pause();
  show();
});
film.addEventListener("pause", () => (isPartPlayed = false));
film.addEventListener("seeked", show);
film.addEventListener("loadedmetadata", () => {
  // The library rounds lengths to seconds.
  if (!end.dataset.changed && Math.abs(Number(end.value) - film.duration) <= 1)
    end.value = round(film.duration);
  show();
});
for (const field of [start, end])
  field.addEventListener("input", () => {
    end.dataset.changed = "";
    const seconds = Number(field.value);
    if (field.value !== "" && seconds >= 0) film.currentTime = Math.min(seconds, length());
    show();
  });
document.getElementById("set-start").addEventListener("click", () => mark(start));
document.getElementById("set-end").addEventListener("click", () => mark(end));
document.getElementById("play-part").addEventListener("click", playPart);
for (const button of document.querySelectorAll("[data-frames]"))
  button.addEventListener("click", () => step(Number(button.dataset.frames)));

function seek(event) {
  const { left, width } = track.getBoundingClientRect();
  film.currentTime = (length() * Math.max(0, Math.min(event.clientX - left, width))) / width;
}
track.addEventListener("pointerdown", (event) => {
  track.setPointerCapture(event.pointerId);
  seek(event);
});
track.addEventListener("pointermove", (event) => {
  if (track.hasPointerCapture(event.pointerId)) seek(event);
});

// I and O set the marks, the arrows go from frame to frame; single keys can be switched off.
const KEYS = {
  i: () => mark(start),
  o: () => mark(end),
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
};
document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  const isOff = !document.getElementById("keys-on").checked;
  const isTyping = target.matches("input, select, textarea");
  if (isOff || isTyping || event.metaKey || event.ctrlKey || event.altKey) return;
  if (document.querySelector("dialog[open]") || !Object.hasOwn(KEYS, key)) return;
  event.preventDefault();
  KEYS[key]();
});
show();
