// A storyboard: changes are saved in place, shots are dragged into order, the picked takes play in a row.
import { refreshParts } from "./live.js";
import { announce, get } from "./page.js";

const FILM_PAUSE_MS = 2000;
const board = document.getElementById("storyboard");
const shots = () => document.getElementById("shots");
const forms = () => [...document.querySelectorAll("form[data-autosave]")];

// The sentence of a refusal; "" when it was done.
async function post(to, body) {
  body.append("quiet", "1");
  const answer = await fetch(to, { method: "POST", body, redirect: "manual" });
  if (answer.status === 204) return "";
  if (answer.status === 422) return answer.text();
  throw new Error(answer.status);
}

// ---- saving: one request of a form after the other ----
const saving = new Map();
const isChanged = (form) =>
  [...form.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue);

function save(form) {
  const next = (saving.get(form) ?? Promise.resolve()).then(() => send(form));
  saving.set(form, next);
  next.finally(() => saving.get(form) === next && saving.delete(form));
  return next;
}

async function send(form) {
  const words = form.querySelector("output");
  const body = new FormData(form);
  const prompt = form.elements.prompt.value;
  words.textContent = words.dataset.saving;
  const why = await post(form.action, body).catch(() => board.dataset.failed);
  words.textContent = why || words.dataset.saved;
  words.classList.toggle("bad", !!why);
  if (why) return;
  form.elements.prompt.defaultValue = prompt;
  refreshParts();
}

// What is typed and what is under way is saved before anything else is done.
async function settle() {
  for (const form of forms()) if (isChanged(form)) save(form);
  await Promise.all(saving.values());
}

// An image is asked for with its file.
const lacksFile = (form) =>
  form.elements.begins.value === "image" &&
  !form.elements.file.files.length &&
  !form.querySelector(".shot__image img");

document.addEventListener("change", async ({ target }) => {
  const form = target.form;
  if (!form?.matches("[data-autosave]") || lacksFile(form)) return;
  await save(form);
  // Lengths follow the model, and the image is shown.
  if (["model", "file"].includes(target.name)) reload(`#${CSS.escape(target.id)}`);
});

// ---- the list as the server has it; the focus stays where it was ----
async function reload(...focused) {
  await settle();
  const fresh = await get(location.href).catch(() => null);
  if (!fresh) return;
  shots().replaceWith(document.importNode(fresh.getElementById("shots"), true));
  const found = focused
    .map((one) => document.querySelector(one))
    .find((one) => one && !one.disabled);
  found?.focus();
  refreshParts();
}

// ---- buttons that move, delete and pick ----
async function act(form, { name, value }) {
  const body = new FormData(form);
  if (name) body.append(name, value);
  await settle();
  const why = await post(form.action, body).catch(() => board.dataset.failed);
  if (why) return announce(why, "");
  const same = `form[action="${form.getAttribute("action")}"] button`;
  const id = form.closest(".shot").id;
  await reload(`${same}[value="${value}"]`, same, `${same}:not([disabled])`, "#prompt-new");
  const moved = document.getElementById(id);
  if (moved) announce(moved.ariaLabel);
}

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (event.defaultPrevented) return;
  if (form.matches("[data-autosave], [data-quiet]")) {
    event.preventDefault();
    return form.matches("[data-quiet]") ? act(form, submitter ?? {}) : save(form);
  }
  if (!saving.size && !forms().some(isChanged)) return;
  event.preventDefault();
  await settle();
  delete form.dataset.sent;
  form.requestSubmit(submitter);
});

// ---- dragging by the grip ----
let held = null;
document.addEventListener("dragstart", ({ target, dataTransfer }) => {
  held = target.closest?.(".shot__grip")?.closest(".shot") ?? null;
  if (!held) return;
  dataTransfer.effectAllowed = "move";
  dataTransfer.setData("text/plain", held.id);
  dataTransfer.setDragImage(held, 20, 20);
  held.classList.add("shot--held");
});
document.addEventListener("dragover", (event) => {
  const over = held && event.target.closest?.(".shot");
  if (!over) return;
  event.preventDefault();
  if (over === held) return;
  const box = over.getBoundingClientRect();
  const isAbove = event.clientY < box.top + box.height / 2;
  shots().insertBefore(held, isAbove ? over : over.nextSibling);
});
document.addEventListener("drop", (event) => held && event.preventDefault());
document.addEventListener("dragend", async () => {
  if (!held) return;
  const shot = held;
  held = null;
  shot.classList.remove("shot--held");
  const body = new FormData();
  body.append("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
  body.append("to", [...shots().querySelectorAll(".shot")].indexOf(shot) + 1);
  await settle();
  const why = await post(shot.dataset.move, body).catch(() => board.dataset.failed);
  if (why) announce(why, "");
  reload();
});

// ---- the picked takes, one after the other ----
const reel = document.getElementById("reel");
const film = document.getElementById("reel-film");
const words = document.getElementById("reel-title");
let playing = 0;

function mark(shot) {
  for (const one of document.querySelectorAll(".shot--playing")) {
    one.classList.remove("shot--playing");
    one.removeAttribute("aria-current");
  }
  shot?.classList.add("shot--playing");
  shot?.setAttribute("aria-current", "true");
}
function play(at) {
  const take = document.querySelectorAll("[data-film]")[at];
  if (!take) return mark();
  playing = at;
  reel.hidden = false;
  words.textContent = words.dataset.words.replace("%s", take.dataset.number);
  mark(take.closest(".shot"));
  film.src = take.dataset.film;
  film.play().catch(() => {}); // where a browser does not start it, its button does
}
film.addEventListener("ended", () => play(playing + 1));
document.addEventListener("click", ({ target }) => {
  if (target.closest("#play-all")) {
    play(0);
    reel.scrollIntoView({ block: "nearest" });
    film.focus();
  } else if (target.closest("#reel-close")) {
    film.removeAttribute("src");
    film.load();
    reel.hidden = true;
    mark();
    document.getElementById("play-all").focus();
  }
});

// ---- the film, of which the socket says nothing ----
setInterval(
  () => document.hidden || !document.querySelector("[data-film-active]") || refreshParts(),
  FILM_PAUSE_MS,
);
