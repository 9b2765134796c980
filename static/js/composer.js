// The composer: the price follows the choices; the server prices the order again.
import { addStored, countImages, firstImage, mode, showImages, storedImages } from "./images.js";
import { composer, field, priceOf, ratioOf, shapes, showOffered, summarize } from "./offers.js";
import { announce, get } from "./page.js";

const numbers = new Intl.NumberFormat(document.documentElement.lang);
const fit = document.getElementById("fit");

export function reprice(balance) {
  if (!composer) return;
  composer.dataset.balance = balance ?? composer.dataset.balance;
  showImages();
  showOffered(mode());
  summarize(countImages());
  const one = priceOf(mode());
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
  for (const [place, figure] of Object.entries(figures)) {
    const element = composer.querySelector(place); // none where orders cost nothing
    if (element) element.textContent = numbers.format(figure);
  }
  const shown = {
    "[data-enough]": left >= 0,
    "[data-short]": left < 0,
    "[data-times]": takes > 1,
    "[data-several]": takes > 1,
    "[data-single]": takes === 1,
  };
  for (const [place, on] of Object.entries(shown)) {
    const element = composer.querySelector(place);
    if (element) element.hidden = !on;
  }
}

// ---- what is written stays over a reload ----
const CHOICES = ["model", "size", "seconds", "takes"];
const OPTIONS = ["audio", "negative_prompt", "seed"];

function keepDraft() {
  const draft = Object.fromEntries(
    ["prompt", ...CHOICES, ...OPTIONS].map((name) => [name, field(name)?.value ?? ""]),
  );
  draft.owner = composer.dataset.owner;
  draft.images = storedImages();
  sessionStorage.draft = JSON.stringify(draft);
}

function takeUpDraft() {
  const { owner, prompt, images = [], ...choices } = JSON.parse(sessionStorage.draft ?? "{}");
  if (owner !== composer.dataset.owner || (!prompt && !images.length)) return;
  for (const name of [...CHOICES, ...OPTIONS])
    if (choices[name] && field(name)) field(name).value = choices[name];
  field("prompt").value = prompt;
  for (const image of images) addStored(...image);
}

// Another order has made nothing yet.
function forgetFinished() {
  const finished = document.getElementById("finished");
  if (!finished) return;
  for (const part of [finished, finished.nextElementSibling, document.getElementById("another")])
    part.remove();
  for (const id of ["cost", "go"]) document.getElementById(id).hidden = false;
}

function countPrompt() {
  const place = document.getElementById("prompt-count");
  const length = field("prompt").value.length;
  place.hidden = length < 4500;
  place.textContent = place.dataset.words.replace("%s", numbers.format(length));
}

// A first image fills the frame; one of another shape is offered the shape that loses least.
function frame() {
  const picture = firstImage();
  const chosen = field("size").value;
  composer.style.setProperty("--frame", chosen.replace("x", " / "));
  const own = picture?.naturalWidth / picture?.naturalHeight || ratioOf(chosen);
  const loss = (size) => Math.abs(Math.log(ratioOf(size) / own));
  const best = shapes().toSorted((a, b) => loss(a.value) - loss(b.value))[0];
  fit.hidden = !picture || loss(chosen) - loss(best.value) < 0.1;
  const button = fit.querySelector("button");
  button.value = best.value;
  const words = button.querySelector("span");
  words.textContent = words.dataset.words.replace("%s", best.dataset.shape);
}

// The cheaper choice that is ordered instead.
function choose(...values) {
  for (const [n, name] of ["model", "seconds", "takes"].entries()) field(name).value = values[n];
}

// ---- presets ----
function apply({ ending, ...chosen }) {
  for (const name of [...CHOICES, ...OPTIONS]) if (field(name)) field(name).value = chosen[name];
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
  for (const name of ["first_file", "last_file", "reference_files"]) data.delete(name);
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
  composer.addEventListener("change", () => {
    document.getElementById("short")?.remove();
    document.getElementById("go").classList.add("btn--primary");
    document.getElementById("cost").hidden = false;
    forgetFinished();
    reprice();
    frame();
    keepDraft();
  });
  composer.addEventListener("input", () => {
    forgetFinished();
    countPrompt();
    keepDraft();
  });
  document.getElementById("image-tiles").addEventListener("load", frame, { capture: true });
  fit.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    field("size").value = button.value;
    reprice();
    frame();
  });
  composer.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.name === "instead") choose(...button.value.split(" "));
    keepDraft(); // prompt and options stay after the order
    const naming = document.activeElement?.name?.startsWith("preset_");
    if (button?.name === "preset") apply(button.dataset);
    else if (["keep", "forget"].includes(button?.name)) keep(button);
    else if (naming) keep(composer.querySelector("[name=keep]"));
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (button?.name === "preset") document.getElementById("presets").hidePopover();
  });
  if (!field("prompt").value && !("sentBefore" in composer.dataset) && !storedImages().length)
    takeUpDraft();
  countPrompt();
  reprice();
}
