
"use strict";
for (const tools of document.querySelectorAll(".tools")) { tools.hidden = false; }
for (const input of document.querySelectorAll("input[data-filter]")) {
  const rows = document.querySelectorAll(input.dataset.filter);
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const row of rows) { row.hidden = !row.textContent.toLowerCase().includes(wanted); }
  });
}
for (const heading of document.querySelectorAll("table.sorts th")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...heading.childNodes);
  heading.append(button);
  button.addEventListener("click", () => {
    const table = heading.closest("table"), body = table.tBodies[0], at = heading.cellIndex;
    const up = heading.getAttribute("aria-sort") !== "ascending";
    const key = (row) => row.cells[at].dataset.key ?? row.cells[at].textContent;
    const rows = [...body.rows].sort((one, other) =>
      (up ? 1 : -1) * key(one).localeCompare(key(other), "en", { numeric: true }));
    for (const other of table.querySelectorAll("th")) { other.removeAttribute("aria-sort"); }
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...rows);
  });
}
for (const button of document.querySelectorAll("button[data-fold]")) {
  button.addEventListener("click", () => {
    const all = [...document.querySelectorAll("#sessions details")], open = !all.every((one) => one.open);
    for (const one of all) { one.open = open; }
  });
}
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details")) { one.open = true; }
});
