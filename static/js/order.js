// Rows of the showcase list are dragged into order; the numbers follow, Save keeps them.
const body = document.querySelector("#result_list tbody");
let held = null;

for (const row of body?.rows ?? []) {
  row.draggable = true;
  row.addEventListener("dragstart", () => {
    held = row;
    row.classList.add("is-dragged");
  });
  row.addEventListener("dragover", (event) => {
    event.preventDefault();
    const box = row.getBoundingClientRect();
    if (held && held !== row)
      body.insertBefore(held, event.clientY < box.top + box.height / 2 ? row : row.nextSibling);
  });
  row.addEventListener("dragend", () => {
    held = null;
    row.classList.remove("is-dragged");
    [...body.rows].forEach((each, at) => {
      each.querySelector('input[name$="-display_order"]').value = (at + 1) * 10;
    });
  });
}
