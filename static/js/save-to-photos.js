// On phones the file itself goes to the share sheet, which saves it to the photos; else it is downloaded.
const TYPE = "video/mp4";
const isPhone = matchMedia("(pointer: coarse)").matches;
const sample = () => ({ files: [new File([], "video.mp4", { type: TYPE })] });
// Style sheets show the button then; a button that comes later with a part of the page, too.
if (isPhone && navigator.canShare?.(sample()))
  document.documentElement.classList.add("shares-files");

// Where loading took longer than a tap lasts, the next tap shares what was loaded.
const loaded = new Map();

async function fileOf({ href, dataset }) {
  if (!loaded.has(href)) {
    const answer = await fetch(href);
    if (!answer.ok) throw new Error(answer.status);
    loaded.set(href, new File([await answer.blob()], dataset.name, { type: TYPE }));
  }
  return loaded.get(href);
}

async function share(link) {
  link.setAttribute("aria-busy", "true");
  try {
    await navigator.share({ files: [await fileOf(link)] });
  } catch (error) {
    // Closing the sheet is no failure, and a tap that is over is asked for again.
    if (error.name === "NotAllowedError")
      link.querySelector("span").textContent = link.dataset.again;
    else if (error.name !== "AbortError") location.assign(link.href);
  } finally {
    link.removeAttribute("aria-busy");
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-save-to-photos]");
  if (!link) return;
  event.preventDefault();
  if (!link.ariaBusy) share(link);
});
