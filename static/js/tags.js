// The tags of a video are put on and taken off without leaving the page; a comma ends one.
import { get } from "./page.js";

const section = () => document.getElementById("tags");
const field = () => document.getElementById("add-tags");

async function change(form, submitter) {
  const body = new FormData(form, submitter);
  body.append("quiet", "1");
  const page = await get(form.action, { method: "POST", body }).catch(() => null);
  const fresh = page?.getElementById("tags");
  if (!fresh) {
    form.dataset.asked = "";
    return form.requestSubmit(submitter);
  }
  section().replaceWith(fresh);
  if (field().ariaInvalid === "true") field().value = body.get("add") ?? "";
  field().focus();
}

document.addEventListener("submit", (event) => {
  const { submitter, target: form } = event;
  if (!form.matches("[data-tags]") || "asked" in form.dataset) return;
  event.preventDefault();
  change(form, submitter);
});
document.addEventListener("input", (event) => {
  const typed = event.target;
  if (typed !== field() || event.isComposing || !/[^,，、\s][,，、]$/.test(typed.value)) return;
  typed.form.requestSubmit();
});
