// Ctrl or Cmd with K goes to the search of the staff pages.
addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey) || event.shiftKey)
    return;
  event.preventDefault();
  document.getElementById("staff-search")?.select();
});
