// A row filled in by its columns: one form for all places that take rows.

import { say } from "./words.js";

const dialog = document.getElementById("row-dialog");

// What the person filled in, or null; `row` is what the form starts with.
export function filled(columns, row) {
  const fields = columns.map((column) => field(column, row[column.name]));
  dialog.querySelector(".fields").replaceChildren(...fields.map(({ label }) => label));
  dialog.showModal();
  return new Promise((done) => {
    const form = dialog.querySelector("form");
    form.onsubmit = (event) => {
      event.preventDefault();
      const given = fields.filter(({ input }) => input.value.trim());
      dialog.close();
      done(Object.fromEntries(given.map(({ name, input }) => [name, input.value.trim()])));
    };
    dialog.querySelector(".close").onclick = () => dialog.close();
    dialog.onclose = () => done(null);
  });
}

function field({ name, kind, levels }, value = "") {
  const label = document.createElement("label");
  const input = document.createElement(kind === "category" ? "select" : "input");
  if (kind === "category") {
    const options = levels.map((level) => new Option(level, level));
    input.replaceChildren(new Option(say("row_none"), ""), ...options);
  } else {
    input.type = "text";
    input.inputMode = "decimal";
    input.autocomplete = "off";
  }
  input.value = value;
  label.append(name, input);
  return { name, label, input };
}
