// The composer: the price follows the choices; the server prices the order again.
import { composer, field, priceOf, ratioOf, shapes, showOffered } from "./offers.js";
import { announce, get } from "./page.js";

const numbers = new Intl.NumberFormat(document.documentElement.lang);
const tile = document.getElementById("reference-tile");

export function reprice(balance) {
  if (!composer) return;
  composer.dataset.balance = balance ?? composer.dataset.balance;
  showOffered();
  const kind =
    field("image").files.length ||
    composer.querySelector("[name=reference]:is([type=hidden], :checked)")
      ? "image"
      : "text";
  const one = priceOf(kind);
  const takes = Number(field("takes").value);
  const price = one * takes;
  const left = composer.dataset.balance - price;
  const figures = {
    "#go [data-cost]": price,
    "#go [data-takes]": takes,
    "[data-one]": one,
    "[data-left]": left,
    "[data-price]": price,
    "[data-available]": composer.dataset.balance,
    "[data-missing]": -left,
  };
  for (const [place, figure] of Object.entries(figures))
    composer.querySelector(place).textContent = numbers.format(figure);
  const shown = {
    "[data-enough]": left >= 0,
    "[data-short]": left < 0,
    "[data-times]": takes > 1,
    "[data-several]": takes > 1,
    "[data-single]": takes === 1,
  };
  for (const [place, on] of Object.entries(shown)) composer.querySelector(place).hidden = !on;
}

// ---- the reference image: chosen, dropped or pasted, and shown as the engine will get it ----
const fit = document.getElementById("fit");

const IMAGES = ["image/jpeg", "image/png", "image/webp"];
let upload;

function showReference() {
  const [file] = field("image").files;
  upload?.abort();
  show(file && URL.createObjectURL(file), file?.name);
  const { most, tooBig, wrong } = field("image").dataset;
  const trouble = !file ? "" : file.size > most ? tooBig : IMAGES.includes(file.type) ? "" : wrong;
  complain(trouble);
  if (!file || trouble) return;
  const still = () => field("image").files[0] === file;
  createImageBitmap(file).then(
    (read) => {
      read.close();
      if (still()) send(file);
    },
    () => still() && complain(wrong),
  );
}

function show(source, name = "") {
  const picture = tile.querySelector("img");
  if (picture.src.startsWith("blob:") && picture.src !== source) URL.revokeObjectURL(picture.src);
  tile.querySelector("[name=reference]")?.remove();
  if (source) composer.querySelector(".pill--chosen")?.remove(); // one picture for an order
  tile.hidden = !source;
  picture.src = source || "data:,";
  tile.querySelector("figcaption").textContent = name;
  tile.querySelector("progress").hidden = true;
}

// An order is not sent without the picture that was meant to go with it.
function complain(trouble) {
  const place = document.getElementById("image-error");
  field("image").setCustomValidity(trouble);
  place.textContent = trouble;
  place.hidden = !trouble;
}

// Sent while one goes on writing; an order that is quicker takes the file along itself.
function send(file) {
  const [bar, caption] = [tile.querySelector("progress"), tile.querySelector("figcaption")];
  const data = new FormData();
  data.append("csrfmiddlewaretoken", field("csrfmiddlewaretoken").value);
  data.append("image", file);
  const request = new XMLHttpRequest();
  upload = request;
  request.responseType = "json";
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.value = (100 * loaded) / total;
    bar.hidden = false;
    caption.textContent = caption.dataset.sending.replace("%s", Math.floor(bar.value));
  });
  request.addEventListener("load", () => {
    if (request.status === 201)
      return keepPicture(request.response.id, file.name, tile.querySelector("img").src);
    show(tile.querySelector("img").src, file.name);
    complain(request.response?.detail ?? field("image").dataset.failed);
  });
  request.addEventListener("error", () => {
    show(tile.querySelector("img").src, file.name);
    complain(field("image").dataset.failed);
  });
  request.open("POST", composer.dataset.upload);
  request.send(data);
}

function keepPicture(id, name, source) {
  field("image").value = "";
  show(source, name);
  tile.append(
    Object.assign(document.createElement("input"), {
      type: "hidden",
      name: "reference",
      value: id,
      title: name,
    }),
  );
  reprice();
  keepDraft();
}

// ---- what is written stays over a reload ----
const CHOICES = ["model", "size", "seconds", "takes"];
const OPTIONS = ["audio", "negative_prompt", "seed"];

function keepDraft() {
  const kept = composer.querySelector("[name=reference]:is([type=hidden], :checked)");
  const draft = Object.fromEntries(
    ["prompt", ...CHOICES, ...OPTIONS].map((name) => [name, field(name)?.value ?? ""]),
  );
  draft.owner = composer.dataset.owner;
  if (kept) draft.picture = [kept.value, kept.title || kept.parentElement.textContent.trim()];
  sessionStorage.draft = JSON.stringify(draft);
}

function takeUpDraft() {
  const draft = JSON.parse(sessionStorage.draft ?? "{}");
  if (draft.owner !== composer.dataset.owner || (!draft.prompt && !draft.picture)) return;
  for (const name of [...CHOICES, ...OPTIONS])
    if (draft[name] && field(name)) field(name).value = draft[name];
  field("prompt").value = draft.prompt;
  if (draft.picture)
    keepPicture(
      draft.picture[0],
      draft.picture[1],
      `${composer.dataset.upload}${draft.picture[0]}/`,
    );
}

function countPrompt() {
  const place = document.getElementById("prompt-count");
  const length = field("prompt").value.length;
  place.hidden = length < 4500;
  place.textContent = place.dataset.words.replace("%s", numbers.format(length));
}

// The picture fills the frame; a picture of another shape is offered the shape that loses least.
function frame() {
  const picture = tile.querySelector("img");
  const chosen = field("size").value;
  picture.style.aspectRatio = chosen.replace("x", " / ");
  const own = picture.naturalWidth / picture.naturalHeight || ratioOf(chosen);
  const loss = (size) => Math.abs(Math.log(ratioOf(size) / own));
  const best = shapes().toSorted((a, b) => loss(a.value) - loss(b.value))[0];
  fit.hidden = tile.hidden || loss(chosen) - loss(best.value) < 0.1;
  fit.value = best.value;
  fit.querySelector("span").textContent = fit
    .querySelector("span")
    .dataset.words.replace("%s", best.dataset.shape);
}

function take(files) {
  const picture = [...files].find((file) => file.type.startsWith("image/"));
  if (!picture) return false;
  const transfer = new DataTransfer();
  transfer.items.add(picture);
  field("image").files = transfer.files;
  field("image").dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

const drag = (on) => (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  composer.toggleAttribute("data-drag", on);
};

// ---- presets ----
function apply({ model, size, seconds, takes, ending }) {
  for (const [name, value] of Object.entries({ model, size, seconds, takes }))
    field(name).value = value;
  if (ending) add(ending);
  reprice();
  frame();
}

function add(words) {
  const before = field("prompt").value.trim().replace(/[,.]$/, "");
  field("prompt").value = before ? `${before}, ${words}` : words;
}

// Keeping and deleting happen behind the page; the menu and the news come back.
async function keep(submitter) {
  const data = new FormData(composer, submitter);
  data.delete("image");
  const fresh = await get("/studio/", { method: "POST", body: data }).catch(() => null);
  if (!fresh) return;
  document
    .querySelector("#presets [data-fragment]")
    .replaceWith(fresh.querySelector("#presets [data-fragment]"));
  announce(
    fresh.querySelector(".main :is(.notice--good, .notice--bad)")?.textContent.trim() ?? "",
    "",
  );
  if (submitter.name === "keep") field("preset_name").value = field("preset_ending").value = "";
}

if (composer) {
  composer.addEventListener("change", (event) => {
    if (event.target.name === "image") showReference();
    document.getElementById("short")?.remove();
    document.getElementById("go").classList.add("btn--primary");
    document.getElementById("cost").hidden = false;
    reprice();
    frame();
    keepDraft();
  });
  composer.addEventListener("input", () => {
    countPrompt();
    keepDraft();
  });
  composer.addEventListener("submit", (event) => {
    if (
      !event.defaultPrevented &&
      (!event.submitter?.name || ["go", "instead"].includes(event.submitter.name))
    )
      delete sessionStorage.draft;
  });
  tile.querySelector("img").addEventListener("load", frame);
  tile.querySelector(".composer__remove").addEventListener("click", () => {
    upload?.abort();
    field("image").value = "";
    field("image").dispatchEvent(new Event("change", { bubbles: true }));
  });
  fit.addEventListener("click", () => {
    field("size").value = fit.value;
    reprice();
    frame();
  });
  composer.addEventListener("dragover", drag(true));
  composer.addEventListener("dragleave", drag(false));
  composer.addEventListener("drop", (event) => {
    drag(false)(event);
    take(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (take(event.clipboardData.files)) event.preventDefault();
  });
  composer.addEventListener("submit", (event) => {
    const button = event.submitter;
    const naming = document.activeElement?.name?.startsWith("preset_");
    if (button?.name === "preset") apply(button.dataset);
    else if (["keep", "forget"].includes(button?.name)) keep(button);
    else if (naming) keep(composer.querySelector("[name=keep]"));
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (button?.name === "preset") document.getElementById("presets").hidePopover();
  });
  document.getElementById("ideas").addEventListener("click", (event) => {
    const idea = event.target.closest("button")?.textContent.trim();
    if (idea) add(field("prompt").value.trim() ? idea.toLowerCase() : idea);
    field("prompt").focus();
    keepDraft();
  });
  if (
    !field("prompt").value &&
    !("sentBefore" in composer.dataset) &&
    !composer.querySelector(".pill--chosen")
  )
    takeUpDraft();
  countPrompt();
  reprice();
}
