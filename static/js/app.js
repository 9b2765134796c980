// Makes forms quicker; every page is complete without this file.
const root = document.documentElement;
export const remember = (name, value, age = 31536000) => {
  document.cookie = `${name}=${value};path=/;max-age=${age};samesite=lax`;
};
const { lang } = root;
const breaksItself = lang === "ja" && CSS.supports("word-break", "auto-phrase");
if (/^(ja|zh)/.test(lang) && !breaksItself && "Segmenter" in Intl) import("./phrases.js");
remember("tz", Intl.DateTimeFormat().resolvedOptions().timeZone);

// ---- without a network, the service worker shows a page of ours ----
navigator.serviceWorker?.register("/service-worker.js").catch(() => {});

// ---- light and dark ----
const isDark = () =>
  root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-theme-form]")) return;
  event.preventDefault();
  const button = event.submitter;
  const theme = "toggle" in button.dataset ? (isDark() ? "light" : "dark") : button.value;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  remember("theme", theme, theme === "system" ? 0 : undefined);
  for (const choice of document.querySelectorAll("[data-theme-form] [aria-pressed]"))
    choice.setAttribute("aria-pressed", choice.value === theme);
});

// ---- a form that orders something is sent once ----
document.addEventListener("submit", (event) => {
  const { dataset } = event.target;
  if ("sent" in dataset) event.preventDefault();
  if ("once" in dataset) dataset.sent = "";
});
addEventListener("pageshow", () =>
  document.querySelectorAll("[data-sent]").forEach((form) => delete form.dataset.sent),
);

// ---- a form comes back to the page it is on, also where a fragment brought it ----
document.addEventListener(
  "submit",
  (event) => {
    for (const next of event.target.querySelectorAll("[name=next][data-here]"))
      next.value = location.pathname + location.search;
  },
  { capture: true },
);

// ---- a video that cannot be played says why; one with sound may only lack its pictures ----
// What its address answers: a sentence or none, and whether a download would get the file.
async function askForFile(address) {
  try {
    // A bucket, to which an address may lead, is not asked: the file is there.
    const asked = { headers: { Range: "bytes=0-0" }, redirect: "manual", cache: "no-store" };
    const answer = await fetch(address, asked);
    const isThere = answer.ok || answer.type === "opaqueredirect";
    const kind = answer.headers.get("Content-Type") ?? "";
    let sentence = "";
    if (isThere) answer.body?.cancel();
    else if (kind.startsWith("application/json")) sentence = (await answer.json()).detail;
    else if (kind.startsWith("text/plain")) sentence = await answer.text();
    return { isThere, sentence: typeof sentence === "string" ? sentence.trim() : "" };
  } catch {
    return { isThere: false, sentence: "" };
  }
}
async function sayUnplayable(part) {
  const player = part.closest?.(".player");
  const failure = player?.querySelector(".player__failure");
  if (!failure) return;
  const { isThere, sentence } = await askForFile(player.querySelector("source").src);
  if (sentence) failure.querySelector("span").textContent = sentence;
  failure.querySelector("a")?.toggleAttribute("hidden", !isThere);
  failure.hidden = false;
}
document.addEventListener("error", ({ target }) => sayUnplayable(target), { capture: true });
document.addEventListener(
  "loadedmetadata",
  ({ target }) => {
    if (target.videoWidth === 0) sayUnplayable(target);
  },
  { capture: true },
);

// ---- a password may be looked at while it is typed ----
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reveal]");
  if (!button) return;
  const input = document.getElementById(button.dataset.reveal);
  const shown = input.type === "text";
  input.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
});

// ---- one press copies, or at least selects where the page may not copy ----
async function copy(from) {
  try {
    await navigator.clipboard.writeText(from.value ?? from.textContent);
  } catch {
    if (from.select) from.select();
    else getSelection().selectAllChildren(from);
    return document.execCommand("copy");
  }
  return true;
}
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  const words = button?.querySelector("[aria-live]");
  if (!button || !(await copy(document.getElementById(button.dataset.copy)))) return;
  const before = words.textContent;
  words.textContent = button.dataset.done;
  setTimeout(() => {
    words.textContent = before;
  }, 2000);
});

// ---- Ctrl or Cmd with Enter sends ----
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) event.target.form?.requestSubmit();
});
