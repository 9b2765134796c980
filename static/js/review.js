// A review: comments lead to their moments, the time of a new one follows the player, a click marks a place.
const film = document.getElementById("film");
const line = document.getElementById("line");
const pin = document.getElementById("pin");
const [at, x, y, choose, text] = ["at", "x", "y", "choose", "text"].map((id) =>
  document.getElementById(id),
);
const player = pin.parentElement;
let isTimeTyped = false;
let isChoosing = false;

function showPin(left, top) {
  pin.hidden = left === undefined || left === "";
  pin.style.setProperty("--x", `${left}%`);
  pin.style.setProperty("--y", `${top}%`);
}
function lead(link) {
  if (!film) return;
  film.pause();
  film.currentTime = Number(link.dataset.seek);
  const place = link.closest("li").dataset;
  showPin(place.x && 100 * place.x, 100 * place.y);
}
for (const link of document.querySelectorAll("[data-seek]"))
  link.addEventListener("click", (event) => {
    if (!film) return;
    event.preventDefault();
    lead(link);
  });

function drawLine() {
  line.replaceChildren(
    ...[...document.querySelectorAll("[data-seek]")].map((link) => {
      const mark = document.createElement("button");
      mark.type = "button";
      mark.className = "review-line__mark";
      mark.title = link.closest("p").innerText.replace(/\s+/g, " ");
      mark.setAttribute("aria-label", mark.title);
      const place = Math.min(Number(link.dataset.seek) / film.duration, 1);
      mark.style.setProperty("--at", `${100 * place}%`);
      mark.addEventListener("click", () => lead(link));
      return mark;
    }),
  );
}
// While the preview is made: the page loads again once it is there, unless a comment is being written.
const ASK_AGAIN_MS = 3000;
async function awaitPreview() {
  const answer = await fetch(location.href).catch(() => null);
  const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  if (page && !page.getElementById("making") && !text?.value) return location.reload();
  setTimeout(awaitPreview, ASK_AGAIN_MS);
}
if (document.getElementById("making")) setTimeout(awaitPreview, ASK_AGAIN_MS);

if (film) {
  if (film.readyState > 0) drawLine();
  film.addEventListener("loadedmetadata", drawLine);
  film.addEventListener("play", () => showPin());
  for (const name of ["timeupdate", "seeked"])
    film.addEventListener(name, () => {
      if (at && !isTimeTyped) at.value = film.currentTime.toFixed(2);
    });
}
if (at) {
  at.addEventListener("input", () => (isTimeTyped = true));
  text.addEventListener("focus", () => film?.pause());
  for (const field of [x, y])
    field.addEventListener("input", () => showPin(x.value && y.value && x.value, y.value));
  choose.addEventListener("click", () => {
    isChoosing = true;
    film?.pause();
    player.classList.add("review-player--choosing");
  });
  // Before the player's own controls hear of the click.
  player.addEventListener(
    "click",
    (event) => {
      if (!isChoosing) return;
      event.preventDefault();
      event.stopPropagation();
      isChoosing = false;
      player.classList.remove("review-player--choosing");
      const box = player.getBoundingClientRect();
      x.value = ((100 * (event.clientX - box.left)) / box.width).toFixed(1);
      y.value = ((100 * (event.clientY - box.top)) / box.height).toFixed(1);
      showPin(x.value, y.value);
    },
    true,
  );
}
