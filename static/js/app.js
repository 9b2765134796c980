// Makes forms quicker; every page is complete without this file.
const root = document.documentElement;
const numbers = new Intl.NumberFormat(root.lang);
const remember = (name, value, age = 31536000) => { document.cookie = `${name}=${value};path=/;max-age=${age};samesite=lax`; };
remember("tz", Intl.DateTimeFormat().resolvedOptions().timeZone);

// ---- light and dark ----
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-theme-form]")) return;
  event.preventDefault();
  const button = event.submitter;
  const theme = "toggle" in button.dataset ? (isDark() ? "light" : "dark") : button.value;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  remember("theme", theme, theme === "system" ? 0 : undefined);
  for (const choice of document.querySelectorAll("[data-theme-form] [aria-pressed]")) choice.setAttribute("aria-pressed", choice.value === theme);
});

// ---- a form that orders something is sent once ----
document.addEventListener("submit", (event) => {
  const { dataset } = event.target;
  if ("sent" in dataset) event.preventDefault();
  if ("once" in dataset) dataset.sent = "";
});
addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach((form) => delete form.dataset.sent));

// ---- the composer: the price follows the choices; the server prices the order again ----
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

// ---- keys: Ctrl or Cmd with Enter sends, "/" searches ----
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select");
  if (event.key === "Enter" && (event.metaKey || event.ctrlKey) && typing) event.target.form.requestSubmit();
  const search = document.querySelector("[type=search]");
  if (event.key !== "/" || event.metaKey || event.ctrlKey || typing || !search) return;
  event.preventDefault();
  search.focus();
});
