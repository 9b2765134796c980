// Frames of own videos as images of the order: chosen in a dialog, or a card dropped on the composer.
import { addTaken, refuseTaken, VIDEO } from "./images.js";
import { composer, field } from "./offers.js";
import { get } from "./page.js";

const opener = document.getElementById("pick-frame");

// The page that lists the videos, in a dialog.
async function show(dialog, url) {
  const part = (await get(url)).getElementById("pick");
  const title = part.querySelector("h1");
  const heading = Object.assign(document.createElement("h2"), { id: title.id });
  heading.textContent = title.textContent;
  title.replaceWith(heading);
  dialog.replaceChildren(part);
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("input:checked, .btn").focus();
}

async function open() {
  const dialog = Object.assign(document.createElement("dialog"), {
    className: "dialog dialog--wide",
  });
  dialog.setAttribute("aria-labelledby", "pick-title");
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    const button = document.getElementById("images-button");
    (button.checkVisibility() ? button : document.getElementById("summary")).focus();
  });
  dialog.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (event.target !== dialog && !link) return;
    event.preventDefault();
    if (link && !("close" in link.dataset)) show(dialog, link.href);
    else dialog.close();
  });
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    take(dialog, event.target, event.submitter);
  });
  await show(dialog, opener.href);
}

async function take(dialog, form, submitter) {
  if (dialog.ariaBusy === "true") return;
  dialog.ariaBusy = "true";
  const said = form.querySelector("[role=alert]");
  const answer = await send(new FormData(form, submitter));
  dialog.ariaBusy = "false";
  if (answer.id) {
    addTaken(answer);
    return dialog.close();
  }
  said.textContent = answer.detail ?? said.dataset.failed;
  said.hidden = false;
}

// The stored image, or why there is none.
async function send(data) {
  data.append("quiet", "1");
  const answer = await fetch(opener.href, { method: "POST", body: data }).catch(() => null);
  return answer ? answer.json().catch(() => ({})) : {};
}

async function drop(id, name) {
  const data = new FormData();
  data.append("csrfmiddlewaretoken", field("csrfmiddlewaretoken").value);
  data.append("video", id);
  composer.ariaBusy = "true";
  const answer = await send(data);
  composer.ariaBusy = null;
  if (answer.id) addTaken(answer);
  else refuseTaken(name, answer.detail);
}

opener.addEventListener("click", (event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  open().catch(() => location.assign(opener.href));
});
document.addEventListener("dragstart", (event) => {
  const card = event.target.closest?.(".card[data-state=done]");
  if (card) event.dataTransfer.setData(VIDEO, card.dataset.id);
});
composer.addEventListener("drop", (event) => {
  const id = event.dataTransfer.getData(VIDEO);
  if (!id) return;
  event.preventDefault();
  drop(id, document.querySelector(`#v-${id} .card__title`).textContent.trim());
});
