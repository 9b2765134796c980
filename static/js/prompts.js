// Help with the prompt: words of styles and camera moves, own prompts, and a chat model's proposal.
import { composer, field } from "./offers.js";
import { get } from "./page.js";

const tools = document.getElementById("prompt-tools");
const improve = document.getElementById("improve");
const own = document.getElementById("own-prompts");
const undo = document.getElementById("undo-prompt");
let before = "";

// The composer hears of it as if it were typed.
function write(prompt) {
  before = field("prompt").value;
  field("prompt").value = prompt;
  field("prompt").dispatchEvent(new Event("input", { bubbles: true }));
  field("prompt").focus();
}

function propose(prompt) {
  write(prompt);
  undo.hidden = false;
}

function add(words) {
  const written = field("prompt").value.trim().replace(/[,.]$/, "");
  write(written ? `${written}, ${words.toLowerCase()}` : words);
}

function openDialog(opener) {
  const dialog = Object.assign(document.createElement("dialog"), {
    className: "dialog dialog--wide",
  });
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (document.activeElement === document.body) opener.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target !== dialog && !event.target.closest("[data-close]")) return;
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = new FormData(event.target, event.submitter);
    if (!data.has("use")) return change(dialog, event.target.action, data);
    dialog.close();
    propose(data.get("prompt"));
  });
  return dialog;
}

// The part of a page that is about prompts, as the dialog's content.
function fill(dialog, page) {
  const part = document.importNode(page.getElementById("prompt-help"), true);
  const title = part.querySelector("h1");
  const heading = Object.assign(document.createElement("h2"), { id: title.id });
  heading.textContent = title.textContent;
  title.replaceWith(heading);
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.replaceChildren(part);
  if (!dialog.open) dialog.showModal();
}

// Saving and deleting; the list comes back.
async function change(dialog, url, body) {
  const page = await get(url, { method: "POST", body, redirect: "follow" }).catch(() => null);
  if (page) fill(dialog, page);
  else location.assign(url);
}

async function ask() {
  if (!field("prompt").value.trim()) return field("prompt").focus();
  improve.ariaBusy = "true";
  improve.disabled = true;
  const body = new FormData();
  for (const name of ["csrfmiddlewaretoken", "prompt"]) body.append(name, field(name).value);
  const answer = await fetch(improve.formAction, { method: "POST", body }).catch(() => null);
  improve.ariaBusy = null;
  improve.disabled = false;
  const text = answer ? await answer.text() : "";
  const page = new DOMParser().parseFromString(text, "text/html");
  if (page.getElementById("prompt-help")) fill(openDialog(improve), page);
  else location.reload();
}

improve?.addEventListener("click", (event) => {
  event.preventDefault();
  ask();
});
own.addEventListener("click", (event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  get(own.href)
    .then((page) => fill(openDialog(own), page))
    .catch(() => location.assign(own.href));
});
undo.addEventListener("click", () => {
  write(before);
  undo.hidden = true;
});
tools.addEventListener("click", (event) => {
  const words = event.target.closest("[data-words]")?.dataset.words;
  if (!words) return;
  add(words);
  event.target.closest("[popover]").hidePopover();
});
composer.addEventListener("submit", () => (undo.hidden = true));
