// The composer: the price follows the choices; the server prices the order again.
const numbers = new Intl.NumberFormat(document.documentElement.lang);
const composer = document.querySelector("form.composer[data-balance]");
const tile = document.getElementById("reference-tile");
const field = (name) => composer.elements.namedItem(name);

export function reprice(balance) {
  if (!composer) return;
  composer.dataset.balance = balance ?? composer.dataset.balance;
  const model = composer.querySelector("[name=model]:checked");
  const size = composer.querySelector("[name=size]:checked");
  if (size?.dataset.only && size.dataset.only !== model.dataset.quality) composer.querySelector("[name=size]").checked = true;
  const kind = field("image").files.length || field("reference")?.checked ? "image" : "text";
  const price = JSON.parse(model.dataset.prices)[kind][field("seconds").value];
  const left = composer.dataset.balance - price;
  const figures = { ".btn--ink [data-cost]": price, "[data-left]": left, "[data-price]": price, "[data-available]": composer.dataset.balance, "[data-missing]": -left };
  for (const [place, figure] of Object.entries(figures)) composer.querySelector(place).textContent = numbers.format(figure);
  composer.querySelector("[data-enough]").hidden = left < 0;
  composer.querySelector("[data-short]").hidden = left >= 0;
}

function showReference() {
  const [file] = field("image").files;
  const picture = tile.querySelector("img");
  field("image").setCustomValidity(file?.size > 100 * 1024 * 1024 ? field("image").dataset.tooBig : "");
  URL.revokeObjectURL(picture.src);
  tile.hidden = !file;
  picture.src = file ? URL.createObjectURL(file) : "data:,";
  tile.querySelector("figcaption").textContent = file?.name ?? "";
}

if (composer) {
  composer.addEventListener("change", (event) => {
    if (event.target.name === "image") showReference();
    document.getElementById("short")?.remove();
    document.getElementById("cost").hidden = false;
    reprice();
  });
  tile.querySelector("button").addEventListener("click", () => {
    field("image").value = "";
    field("image").dispatchEvent(new Event("change", { bubbles: true }));
  });
  document.getElementById("ideas").addEventListener("click", (event) => {
    const idea = event.target.closest("button")?.textContent.trim();
    const before = field("prompt").value.trim().replace(/[,.]$/, "");
    if (idea) field("prompt").value = before ? `${before}, ${idea.toLowerCase()}` : idea;
    field("prompt").focus();
  });
  reprice();
}
