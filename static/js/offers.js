// The choices of the composer: only what the chosen model makes is shown.
export const composer = document.querySelector("form.composer[data-balance]");
export const field = (name) => composer.elements.namedItem(name);
export const ratioOf = (size) => size.split("x").reduce((width, height) => width / height);

// More lengths than this are chosen in a select.
const MOST_LENGTHS = 8;
const offers = composer && JSON.parse(document.getElementById("offers").textContent);
const resolutions = document.getElementById("resolutions");
const lengths = document.getElementById("lengths");
const menu = document.getElementById("models");
const more = document.getElementById("more-options");
export const offer = () => offers[field("model").value];
const inputsOf = (name) => [...composer.querySelectorAll(`input[name=${name}]`)];

// Credits for one video of the chosen options, in the mode that its images make.
export function priceOf(mode) {
  const { credits, silent } = offer();
  const isSilent = more?.querySelector("[name=audio]:checked:enabled")?.value;
  const rates = ratesOf(isSilent ? (silent ?? credits) : credits, mode);
  return rates[resolution()][offer().seconds.indexOf(Number(field("seconds").value))];
}

const resolution = () => offer().sizes[field("size").value];
// A mode that is not listed costs what one from an image does, and that what one from text does.
const ratesOf = (credits, mode) =>
  credits[mode] ?? (mode === "text" ? undefined : credits.image) ?? credits.text;
// Not every length is made in every resolution and mode.
const isLength = (n, mode) =>
  ratesOf(offer().credits, mode)[resolution()][offer().seconds.indexOf(n)] != null;
const isSize = (size, mode) =>
  ratesOf(offer().credits, mode)[offer().sizes[size]]?.some((credits) => credits != null);

// The inputs of the sizes that the chosen model makes in the chosen resolution.
export function shapes() {
  const { sizes } = offer();
  return inputsOf("size").filter(({ value }) => sizes[value] === resolution());
}

// Shows only what the chosen model makes; a choice that it does not make becomes the nearest.
export function showOffered(mode) {
  const { sizes, options } = offer();
  keepMade("size", ({ value }) => isSize(value, mode), sizeLike);
  keepMade("seconds", ({ value }) => isLength(Number(value), mode), nearest);
  showSizes(sizes, mode);
  showLengths(mode);
  showOptions(options);
  if (menu) document.querySelector("#model-menu [data-chosen]").textContent = labelOfModel();
}

const checked = (name) => composer.querySelector(`[name=${name}]:checked`);
function labelOfModel() {
  const label = checked("model").closest("label");
  return (label.querySelector("b") ?? label).textContent.trim();
}

// What is chosen, in the line that opens the options on small screens.
export function summarize(images) {
  const place = document.querySelector("#summary [data-chosen]");
  const parts = [
    labelOfModel(),
    checked("size").dataset.shape,
    resolutions.hidden ? "" : resolution(),
    checked("seconds").parentElement.textContent.trim(),
    `×${field("takes").value}`,
    images ? (images > 1 ? `${images} ${place.dataset.images}` : place.dataset.image) : "",
  ];
  place.textContent = parts.filter(Boolean).join(" · ");
}

function keepMade(name, isMade, choose) {
  const inputs = inputsOf(name);
  const chosen = inputs.find((input) => input.checked);
  if (chosen && isMade(chosen)) return;
  choose(inputs.filter(isMade), chosen).checked = true;
}

function showSizes(sizes, mode) {
  const made = Object.keys(sizes).filter((size) => isSize(size, mode));
  const own = new Set(made.map((size) => sizes[size]));
  show("size", shapes());
  resolutions.hidden = own.size === 1;
  show(
    "resolution",
    inputsOf("resolution").filter(({ value }) => own.has(value)),
  );
  field("resolution").value = sizes[field("size").value];
}

function showLengths(mode) {
  const own = inputsOf("seconds").filter(({ value }) => isLength(Number(value), mode));
  lengths.hidden = own.length <= MOST_LENGTHS;
  show("seconds", lengths.hidden ? own : []);
  const options = own.map(
    (input) => new Option(input.parentElement.textContent.trim(), input.value),
  );
  lengths.replaceChildren(...options);
  lengths.value = field("seconds").value;
}

// What the model does not take is not sent either.
function showOptions(own = []) {
  if (!more) return;
  let set = 0;
  for (const part of more.querySelectorAll("[data-option]")) {
    part.hidden = !own.includes(part.dataset.option);
    for (const input of part.querySelectorAll("[name]")) input.disabled = part.hidden;
    if (!part.hidden && field(part.dataset.option).value) set += 1;
  }
  const button = document.getElementById("more-button");
  button.hidden = !own.length;
  const count = button.querySelector(".pill__count");
  count.textContent = set;
  count.hidden = !set;
}

function show(name, shown) {
  for (const input of inputsOf(name)) input.parentElement.hidden = !shown.includes(input);
}

const sizeLike = (made, chosen) =>
  made.toSorted((a, b) => distance(a.value, chosen) - distance(b.value, chosen))[0];
const distance = (size, chosen) =>
  chosen ? Math.abs(Math.log(ratioOf(size) / ratioOf(chosen.value))) : 0;
const nearest = (made, chosen) =>
  made.toSorted(
    (a, b) => Math.abs(a.value - chosen?.value || 0) - Math.abs(b.value - chosen?.value || 0),
  )[0];

// The resolution and the select of lengths are no fields of the order: they choose those that are.
function passOn({ target }) {
  if (target === lengths) field("seconds").value = target.value;
  if (target.name !== "resolution") return;
  const { sizes } = offer();
  const made = inputsOf("size").filter(({ value }) => sizes[value] === target.value);
  sizeLike(made, field("size")).checked = true;
}

// The arrow keys walk through the models; a click or the Enter key also closes the menu.
function closeMenu() {
  menu.hidePopover();
  document.getElementById("model-menu").focus();
}

if (composer) composer.addEventListener("change", passOn, { capture: true });
more?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.matches("textarea")) return;
  event.preventDefault(); // it would send the order
  more.hidePopover();
});
menu?.addEventListener("toggle", ({ newState }) => {
  if (newState === "open") menu.querySelector(":checked").focus();
});
menu?.addEventListener("click", ({ detail, target }) => {
  if (detail && target.name === "model") closeMenu();
});
menu?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault(); // it would send the order
  closeMenu();
});
