// The images of an order: chosen, dropped or pasted, sent at once, and shown beside the prompt.
import { composer, field, offer } from "./offers.js";

const place = document.getElementById("image-tiles");
const TYPES = ["image/jpeg", "image/png", "image/webp"];
const uploads = new WeakMap(); // the request of a tile
const files = new WeakMap(); // the file of a tile that is not stored yet
const inputs = () => Object.fromEntries(fileInputs().map((input) => [input.dataset.slot, input]));
const fileInputs = () => [...composer.querySelectorAll("input[type=file][data-slot]")];
const tilesOf = (slot) => [...place.querySelectorAll(`figure[data-slot=${slot}]`)];
const taken = (slot) => offer().images?.[slot] ?? 0;
const used = (slot) => tilesOf(slot).filter((tile) => !tile.hidden);

// What the images make of the order.
export function mode() {
  if (used("references").length) return "reference";
  if (used("last").length) return "first_last";
  return used("first").length ? "image" : "text";
}

export const countImages = () => place.querySelectorAll("figure:not([hidden])").length;

// The image that decides the shape, if there is one.
export const firstImage = () => used("first")[0]?.querySelector("img");

// Shows and sends only what the chosen model takes; what it does not take waits for another model.
export function showImages() {
  for (const [slot, input] of Object.entries(inputs())) {
    tilesOf(slot).forEach((tile, at) => {
      tile.hidden = at >= taken(slot);
      const stored = tile.querySelector("[type=hidden]");
      if (stored) stored.disabled = tile.hidden;
    });
    fill(input, slot);
    const item = input.closest("label");
    item.hidden = !taken(slot);
    input.disabled = item.hidden || !fits(slot);
    place.querySelector(`[data-add=${slot}]`).hidden = !invites(slot);
  }
  place.hidden = !place.querySelector(".image-tile:not([hidden])");
  document.getElementById("images-button").hidden = !offer().images;
  complain();
}

// Reference images stand alone, and a last image needs a first one.
function fits(slot) {
  if (slot === "references") return !used("first").length && !used("last").length;
  if (used("references").length) return false;
  return slot === "first" || used("first").length > 0 || used("last").length > 0;
}

function invites(slot) {
  const free = used(slot).length < taken(slot) && fits(slot);
  const other = { first: "last", last: "first", references: "references" }[slot];
  return free && used(other).length > 0;
}

// ---- adding ----
// A file that is no image gets no tile; one that looks like an image loses it when it cannot be read.
function add(slot, file) {
  const { most, tooBig, wrong } = place.dataset;
  const trouble = file.size > most ? tooBig : TYPES.includes(file.type) ? "" : wrong;
  if (trouble) return refuse(file, trouble);
  const tile = newTile(slot, file.name, URL.createObjectURL(file));
  files.set(tile, file);
  createImageBitmap(file).then(
    (read) => {
      read.close();
      if (tile.isConnected && files.has(tile)) send(tile, file);
    },
    () => fail(tile, file, wrong),
  );
}

function newTile(slot, name, source) {
  if (slot !== "references") for (const tile of tilesOf(slot)) discard(tile);
  const tile = document.getElementById("image-tile").content.cloneNode(true).firstElementChild;
  tile.dataset.slot = slot;
  const picture = tile.querySelector("img");
  picture.alt = inputs()[slot].dataset.label;
  picture.src = source;
  tile.querySelector("figcaption").textContent = name;
  place.querySelector(`[data-add=${slot}]`).before(tile);
  return tile;
}

// An image that is stored, such as that of an earlier attempt or of a saved draft.
export function addStored(slot, id, name) {
  if (!inputs()[slot]) return;
  const tile = newTile(slot, name, `${composer.dataset.upload}${id}/`);
  keep(tile, slot, id, name);
  // One that was deleted meanwhile leaves.
  tile
    .querySelector("img")
    .addEventListener(
      "error",
      () => tile.isConnected && fail(tile, { name }, place.dataset.failed),
    );
}

function keep(tile, slot, value, title) {
  files.delete(tile);
  const name = inputs()[slot].dataset.stored;
  tile.append(
    Object.assign(document.createElement("input"), { type: "hidden", name, value, title }),
  );
}

// The images that are stored, as [slot, id, name].
export const storedImages = () =>
  [...place.querySelectorAll("[type=hidden]")].map((stored) => [
    stored.closest("figure").dataset.slot,
    stored.value,
    stored.title,
  ]);

function discard(tile) {
  uploads.get(tile)?.abort();
  const { src } = tile.querySelector("img");
  if (src.startsWith("blob:")) URL.revokeObjectURL(src);
  tile.remove();
}

// Sent while one goes on writing; an order that is quicker takes the file along itself.
function send(tile, file) {
  const [bar, caption] = [tile.querySelector("progress"), tile.querySelector("figcaption")];
  const data = new FormData();
  data.append("csrfmiddlewaretoken", field("csrfmiddlewaretoken").value);
  data.append("image", file);
  const request = new XMLHttpRequest();
  uploads.set(tile, request);
  request.responseType = "json";
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.value = (100 * loaded) / total;
    bar.hidden = false;
    caption.textContent = caption.dataset.sending.replace("%s", Math.floor(bar.value));
  });
  request.addEventListener("load", () => {
    if (request.status !== 201)
      return fail(tile, file, request.response?.detail ?? place.dataset.failed);
    bar.hidden = true;
    caption.textContent = file.name;
    keep(tile, tile.dataset.slot, request.response.id, file.name);
    changed();
  });
  request.addEventListener("error", () => fail(tile, file, place.dataset.failed));
  request.open("POST", composer.dataset.upload);
  request.send(data);
}

// Nothing of the file stays but the reason, so that price and shape are those of the order.
function fail(tile, file, trouble) {
  discard(tile);
  refuse(file, trouble);
  changed();
}

const changed = () => composer.dispatchEvent(new Event("change", { bubbles: true }));

// The files that are not stored yet go with the order.
function fill(input, slot) {
  const transfer = new DataTransfer();
  for (const tile of used(slot)) if (files.has(tile)) transfer.items.add(files.get(tile));
  input.files = transfer.files;
}

let refusal = ""; // why images were not added
let refusing; // the offer of the model that was chosen then

function refuse(file, trouble) {
  refusal = `${file.name}: ${trouble}`;
  refusing = offer();
}

function complain() {
  if (refusing !== offer()) refusal = "";
  const said = document.getElementById("image-error");
  said.textContent = refusal;
  said.hidden = !said.textContent;
}

function choose(slot, chosen) {
  const many = slot === "references";
  const free = many ? taken(slot) - used(slot).length : 1;
  const isMixed = many ? !fits(slot) : used("references").length > 0;
  refusal = "";
  refusing = offer();
  if (isMixed && chosen.length) refusal = place.dataset.mixed;
  else if (chosen.length > free) refusal = place.dataset.tooMany.replace("%s", taken(slot));
  if (!isMixed) for (const file of chosen.slice(0, free)) add(slot, file);
  changed();
}

// Where an image goes that is dropped or pasted: to the next place that is free.
function guess(count) {
  if (used("references").length || (count > 1 && taken("references") && fits("references")))
    return "references";
  if (taken("last") && used("first").length && !used("last").length) return "last";
  return taken("first") ? "first" : "references";
}

// A stored image that was taken from a video.
export function addTaken({ id, name }) {
  const slot = guess(1);
  refusal = "";
  if (slot === "references" && used(slot).length >= taken(slot))
    refuse({ name }, place.dataset.tooMany.replace("%s", taken(slot)));
  else addStored(slot, id, name);
  changed();
}

export function refuseTaken(name, trouble = place.dataset.failed) {
  refuse({ name }, trouble);
  changed();
}

function take(list) {
  const pictures = [...list].filter((file) => file.type.startsWith("image/"));
  if (!pictures.length || !offer().images) return false;
  const slot = guess(pictures.length);
  choose(slot, slot === "references" ? pictures : pictures.slice(0, 1));
  return true;
}

// What is dragged when a card is.
export const VIDEO = "text/x-video";
const drag = (on) => (event) => {
  const { types = [] } = event.dataTransfer ?? {};
  if (!offer().images || !(types.includes("Files") || types.includes(VIDEO))) return;
  event.preventDefault();
  composer.toggleAttribute("data-drag", on);
};

if (composer) {
  for (const label of composer.querySelectorAll(".pill--chosen")) {
    const { value } = label.querySelector("input");
    addStored(label.dataset.slot, value, label.textContent.trim());
    label.remove();
  }
  for (const input of fileInputs())
    input.addEventListener("change", (event) => {
      event.stopPropagation(); // the composer gets its event when the tiles are there
      document.getElementById("images").hidePopover();
      choose(input.dataset.slot, [...input.files]);
    });
  place.addEventListener("click", ({ target }) => {
    const tile = target.closest(".image-tile__remove")?.closest("figure");
    if (!tile) return;
    discard(tile);
    refusal = "";
    changed();
  });
  composer.addEventListener("dragover", drag(true));
  composer.addEventListener("dragleave", drag(false));
  composer.addEventListener("drop", (event) => {
    drag(false)(event);
    if (!event.dataTransfer.types.includes(VIDEO)) take(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (take(event.clipboardData.files)) event.preventDefault();
  });
}
