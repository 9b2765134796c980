// Copies what a button points at; without this file the text can be selected by hand.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const words = button.querySelector("[role=status]");
  const before = words.textContent;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  words.textContent = button.dataset.done;
  setTimeout(() => { words.textContent = before; }, 2000);
});
