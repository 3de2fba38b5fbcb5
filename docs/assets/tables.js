// Tables: a click on a head sorts, words in the field filter; all words must be in a row.
"use strict";

for (const place of document.querySelectorAll(".l2o-table")) {
  const body = place.querySelector("tbody"), rows = [...body.rows], heads = [...place.querySelectorAll("th")];
  const field = place.querySelector("input"), count = place.querySelector("output");
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  field.addEventListener("input", () => {
    const asked = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.hidden = !asked.every((word) => words.get(row).includes(word));
    const left = rows.filter((row) => !row.hidden).length;
    count.textContent = left === rows.length ? `${left} rows` : `${left} of ${rows.length} rows`;
  });

  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };
  const compare = (a, b) => {
    if (a === "" || b === "") return a === b ? 0 : NaN; // empty cells come last, either way
    if (typeof a === "number" && typeof b === "number") return a - b || 0;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };
  heads.forEach((head, column) => head.querySelector("button")?.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const order = (one, other) => {
      const a = key(one, column), b = key(other, column), found = compare(a, b);
      if (Number.isNaN(found)) return a === "" ? 1 : -1;
      return down ? -found : found;
    };
    body.append(...rows.sort(order));
  }));
}
