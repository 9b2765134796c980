// Going anywhere by typing, and shortcuts. Single keys can be switched off; none works while one types.
const palette = document.getElementById("palette");
const input = document.getElementById("palette-input");
const list = document.getElementById("palette-list");
const search = list.querySelector("[data-search]");
const said = document.getElementById("palette-said");
const sheet = document.getElementById("keys");
const fixed = [...list.children].filter((each) => each !== search);

// ---- the palette ----
const shown = () => [...list.children].filter((each) => !each.hidden);
const chosen = () => list.querySelector('[aria-selected="true"]');

function choose(item) {
  chosen()?.removeAttribute("aria-selected");
  item?.setAttribute("aria-selected", "true");
  item?.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", item?.id ?? "");
}

function filter() {
  const words = input.value.trim().toLowerCase();
  for (const item of fixed) item.hidden = !item.textContent.toLowerCase().includes(words);
  for (const film of list.querySelectorAll("[data-film]")) film.remove();
  search.hidden = !words;
  search.href = `/library/?q=${encodeURIComponent(input.value.trim())}`;
  const label = search.querySelector("span");
  label.textContent = label.dataset.words.replace("%s", input.value.trim());
  tell();
  clearTimeout(filter.soon);
  if (words) filter.soon = setTimeout(films, 200, search.href);
}

function tell() {
  choose(shown()[0]);
  said.textContent = said.dataset.words.replace("%s", shown().length);
}

// Videos whose prompt has these words.
async function films(href) {
  const answer = await fetch(href).catch(() => null);
  if (!answer?.ok || search.href !== new URL(href, location).href) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const [n, link] of [...page.querySelectorAll(".card__title a")].slice(0, 5).entries()) {
    const film = Object.assign(document.createElement("a"), {
      className: "menu__item",
      id: `p-film-${n}`,
      href: link.getAttribute("href"),
      tabIndex: -1,
    });
    film.setAttribute("role", "option");
    film.dataset.film = "";
    const icon = search.querySelector("svg").cloneNode(true);
    const use = icon.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace("#search", "#film"));
    film.append(
      icon,
      Object.assign(document.createElement("span"), { textContent: link.textContent }),
    );
    search.before(film);
  }
  tell();
}

function openPalette() {
  if (palette.open) return palette.close();
  input.value = "";
  filter();
  palette.showModal();
}

input.addEventListener("input", filter);
input.addEventListener("keydown", (event) => {
  const direction = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (direction) {
    const all = shown();
    choose(all.at((all.indexOf(chosen()) + direction) % all.length));
  } else if (event.key === "Enter") {
    chosen()?.click();
  } else {
    return;
  }
  event.preventDefault();
});

// ---- opening and closing ----
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  const dialog = event.target.closest("#palette, #keys");
  if (dialog && (event.target === dialog || event.target.closest("[data-close], [role=option]")))
    dialog.close();
  if (!opener) return;
  event.preventDefault();
  if (opener.dataset.open === "palette") openPalette();
  else sheet.showModal();
});
const single = document.getElementById("keys-on");
single.addEventListener("change", () =>
  fetch(single.form.action, { method: "POST", body: new FormData(single.form) }).catch(() => {}),
);

// ---- shortcuts ----
const watch = document.getElementById("watch");
const here = () => document.activeElement.closest?.(".card") ?? watch;
const press = (selector, root = here()) => root?.querySelector(selector)?.click();
const GO = { c: "p-create", l: "p-library", b: "p-billing", u: "p-usage" };
let going = 0;

function step(by) {
  if (watch) return press(by > 0 ? "[rel=next]" : "[rel=prev]", document);
  const links = [...document.querySelectorAll(".card__title a")];
  const at = links.indexOf(
    document.activeElement.closest?.(".card")?.querySelector(".card__title a"),
  );
  links[Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
}

function selecting(range) {
  const box = here()?.querySelector(".card__checkbox");
  if (!box) return document.dispatchEvent(new CustomEvent("select-card", { detail: here() }));
  box.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: range }));
}

function play() {
  const film = document.querySelector("#stage video");
  if (film?.paused) film.play().catch(() => {});
  else film?.pause();
  return film;
}

function write() {
  const prompt = document.getElementById("prompt");
  if (prompt) prompt.focus();
  else location.assign("/studio/#prompt");
}

function remix() {
  document.querySelector(".next-version [value=remix]")?.click();
  document.getElementById("change")?.focus();
}

const KEYS = {
  "/": () => document.querySelector("main [type=search]")?.focus() ?? openPalette(),
  "?": () => sheet.showModal(),
  n: write,
  j: () => step(1),
  k: () => step(-1),
  f: () => press("[data-favourite] button"),
  r: () => (watch ? remix() : press('a[href$="#remix"]')),
  e: () =>
    watch || here()?.dataset.state !== "done"
      ? press("#extend", document)
      : location.assign(`${here().dataset.href}#extend`),
  d: () => press('a[href*="download=1"]'),
  x: () => selecting(false),
  X: () => selecting(true),
  g: () => {
    going = Date.now();
  },
};

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey) && !event.shiftKey) {
    event.preventDefault();
    return openPalette();
  }
  const typing = event.target.matches(
    "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]",
  );
  if (
    typing ||
    !single.checked ||
    event.metaKey ||
    event.ctrlKey ||
    event.altKey ||
    document.querySelector("dialog[open]")
  )
    return;
  const target = Date.now() - going < 1500 && document.getElementById(GO[event.key]);
  if (target) return location.assign(target.href);
  if (event.key === " " && event.target.matches("body, #main") && play()) event.preventDefault();
  if (!KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
