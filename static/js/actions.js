// What can be done with cards: mark, look closer, and answer a question without leaving the page.
import { count as countCards } from "./counts.js";
import { refresh, refreshParts } from "./live.js";
import { announce } from "./page.js";

// What is asked for quietly is answered without a page; a page in its place is the one to sign in on.
async function send(form, submitter) {
  const body = new FormData(form, submitter);
  body.append("quiet", "1");
  const to = submitter?.getAttribute("formaction") ?? form.action;
  return (await fetch(to, { method: "POST", body, redirect: "manual" })).status === 204;
}

// ---- favourites ----
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-favourite]")) return;
  event.preventDefault();
  const button = form.querySelector("[aria-pressed]");
  const mark = (on) => button.setAttribute("aria-pressed", on);
  const before = button.ariaPressed === "true";
  mark(!before);
  const done = await send(form).catch(() => null);
  if (done) return refreshParts();
  mark(before);
  if (done === false) form.submit();
});

// ---- questions: the page that asks, in a dialog ----
async function ask(request, opener, instead) {
  const answer = await fetch(...request).catch(() => null);
  const page =
    answer?.ok && !answer.redirected
      ? new DOMParser().parseFromString(await answer.text(), "text/html")
      : null;
  const question = page?.getElementById("confirm");
  if (!question) return instead();
  const dialog = Object.assign(document.createElement("dialog"), { className: "dialog" });
  dialog.setAttribute("aria-labelledby", "question");
  const title = question.querySelector("h1");
  title.replaceWith(
    Object.assign(document.createElement("h2"), { id: "question", textContent: title.textContent }),
  );
  dialog.append(question);
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => {
    if (event.target !== dialog && !event.target.closest("[data-close]")) return;
    event.preventDefault();
    dialog.close();
  });
  // A menu has closed by now; the focus goes back to what opened it.
  const menu = opener?.closest("[popover]");
  const before = menu ? document.querySelector(`[popovertarget="${menu.id}"]`) : opener;
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (dialog.returnValue !== "gone" && before?.isConnected) before.focus();
  });
  const form = dialog.querySelector("form");
  if (!form.hasAttribute("action")) form.action = request[0];
  const act = form.dataset.gone ? remove : quietly;
  form.addEventListener("submit", (event) => act(event, form, dialog, opener?.closest(".card")));
  dialog.showModal();
}

// A card changes by itself once the server has answered; everything else goes on to another page.
async function quietly(event, form, dialog, card) {
  if (!card) return;
  event.preventDefault();
  if (!(await send(form, event.submitter).catch(() => null))) return form.submit();
  dialog.close();
  refresh(card.dataset.id);
}

// ---- deleting: the cards leave their places at once, and come back to them when that is undone ----
const toasts = document.getElementById("toasts");
const UNDO_SECONDS = 10;

async function remove(event, form, dialog) {
  const ids = new FormData(form).getAll("video");
  const cards = ids.map((id) => document.getElementById(`v-${id}`)).filter(Boolean);
  if (!cards.length) return; // a page of its own: the next page says it, with its own way back
  event.preventDefault();
  dialog.close("gone");
  const holes = takeAway(cards);
  const data = new FormData(form);
  data.append("quiet", "1");
  const answer = await fetch(form.action, { method: "POST", body: data, redirect: "manual" }).catch(
    () => null,
  );
  if (answer?.status !== 204) {
    comeBack(holes);
    form.hidden = true; // its dialog is gone, and a form outside the page sends nothing
    document.body.append(form);
    return form.submit();
  }
  refreshParts();
  data.delete("sure");
  offerUndo(form.dataset.gone, data, holes);
}

function takeAway(cards) {
  const all = [...document.querySelectorAll(".card[data-id]")];
  const at = all.indexOf(cards.at(-1));
  const next = [...all.slice(at + 1), ...all.slice(0, at).toReversed()].find(
    (card) => !cards.includes(card),
  );
  const holes = cards.map((card) => {
    const hole = document.createComment("");
    card.replaceWith(hole);
    return [hole, card];
  });
  for (const [hole] of holes) tidy(hole);
  countCards(cards, -1);
  (next?.querySelector(".card__title a") ?? document.getElementById("main")).focus();
  return holes;
}

function comeBack(holes) {
  countCards(
    holes.map(([, card]) => card),
    1,
  );
  for (const [hole, card] of holes) {
    hole.replaceWith(card);
    tidy(card);
  }
  holes[0][1].querySelector(".card__title a").focus();
  document.dispatchEvent(new Event("cards"));
}

function tidy(node) {
  const section = node.parentNode?.closest(".group");
  if (section) section.hidden = !section.querySelector(".card");
  document.dispatchEvent(new Event("cards"));
}

function offerUndo(words, data, holes) {
  announce(words);
  const toast = Object.assign(document.createElement("div"), { className: "toast" });
  const undo = Object.assign(document.createElement("button"), {
    className: "btn btn--sm",
    type: "button",
    textContent: toasts.dataset.undo,
  });
  undo.setAttribute("aria-keyshortcuts", "Control+Z Meta+Z");
  toast.append(Object.assign(document.createElement("p"), { textContent: words }), undo);
  toasts.append(toast);
  const away = () =>
    toast.matches(":hover, :focus-within") ? setTimeout(away, 2000) : toast.remove();
  setTimeout(away, UNDO_SECONDS * 1000);
  undo.addEventListener("click", async () => {
    undo.disabled = true;
    const answer = await fetch(toasts.dataset.restore, {
      method: "POST",
      body: data,
      redirect: "manual",
    }).catch(() => null);
    toast.remove();
    if (answer?.status !== 204) return announce(toasts.dataset.late, "");
    comeBack(holes);
    for (const [, card] of holes) refresh(card.dataset.id);
    refreshParts();
  });
}

// With the Tab key the button may be further away than it lasts, behind all the cards.
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
  if (target.matches("input:not([type=checkbox], [type=radio]), textarea, select")) return;
  [...toasts.querySelectorAll("button:enabled")].at(-1)?.click();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-confirm]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  ask([link.href], link, () => location.assign(link.href));
});
document.addEventListener("submit", (event) => {
  const { submitter, target: form } = event;
  if (!submitter?.matches("[data-ask]") || "asked" in form.dataset) return;
  event.preventDefault();
  const instead = () => {
    form.dataset.asked = "";
    form.requestSubmit(submitter);
  };
  ask([submitter.formAction, { method: "POST", body: new FormData(form) }], submitter, instead);
});

// ---- a closer look: a finished card plays while the pointer rests on it ----
const calm = matchMedia("(prefers-reduced-motion: reduce), (hover: none)");
let near = null;
let rest;
function leave() {
  clearTimeout(rest);
  near?.querySelector(".preview")?.remove();
  near = null;
}
document.addEventListener("pointerover", (event) => {
  const card = event.target.closest?.('.card[data-state="done"]');
  if (card === near) return;
  leave();
  if (!card || calm.matches || navigator.connection?.saveData) return;
  near = card;
  rest = setTimeout(() => {
    const media = card.querySelector(".card__media");
    const film = Object.assign(document.createElement("video"), {
      muted: true,
      loop: true,
      playsInline: true,
      src: `/api/videos/${card.dataset.id}/content?variant=video`,
    });
    film.className = media.querySelector(".contain") ? "preview preview--contain" : "preview";
    film.tabIndex = -1;
    film.ariaHidden = "true";
    film.addEventListener(
      "playing",
      () => near === card && media.querySelector("img:last-of-type").after(film),
      { once: true },
    );
    film.play().catch(() => {});
  }, 150);
});
document.addEventListener("pointerleave", leave);

// ---- choices apply as they are made; filters that are not set leave no empty words in the address ----
const find = document.getElementById("find");
find?.addEventListener("change", ({ target }) => {
  if (!target.matches("select") || target.closest("[popover]")) return;
  if (target.matches(":focus-visible")) sessionStorage.chosen = target.name;
  find.requestSubmit();
});
// Who chooses with the keyboard goes on where they were.
if (find && sessionStorage.chosen) find.elements[sessionStorage.chosen]?.focus();
delete sessionStorage.chosen;
find?.addEventListener("formdata", (event) => {
  const empty = [...event.formData].filter(([, value]) => !value);
  for (const [name] of empty) event.formData.delete(name);
});
