// How does a person give items? Images as files, chosen or dropped; texts, molecules and rows in a field, one a line.

import { ask, problem } from "./api.js";
import { filled } from "./row.js";
import { copy, say } from "./words.js";

// A field whose items go to `take`; what cannot be used stays in it, with a sentence that says why.
//   about   what /api/run tells of the model
//   single  one item, the question: it stays in the field, to be changed and asked again
//   zone    where files may be dropped, too
//   ready   says what is still missing before anything can be taken
//   named   names the row with this number
export function giver(about, { single = false, zone, take, ready = () => "", named }) {
  const { kind } = about.format;
  return kind === "images" ? images(zone, single, take, ready) : words(about, single, take, ready, named);
}

// What is wrong with what was given, and what was done to the rest.
export function report(box, found, wrong) {
  problem(box.querySelector(".problem"), wrong);
  problem(box.querySelector(".note"), [...new Set(found.flatMap(({ notes }) => notes || []))].join("; "));
}

function images(zone, single, take, ready) {
  const box = copy("images-template");
  const input = box.querySelector(".files");
  input.multiple = !single;
  box.querySelector(".what").textContent = say(single ? "choose" : "add_images");
  const give = async (files) => {
    const wrong = [];
    const found = [];
    if (ready()) return problem(box.querySelector(".problem"), ready());
    for (const file of single ? files.slice(0, 1) : files) {
      const path = `/api/images?name=${encodeURIComponent(file.name)}`;
      const headers = { "content-type": "application/octet-stream" };
      try {
        found.push(await ask(path, { method: "POST", body: file, headers, patient: true }));
      } catch (error) {
        wrong.push(error.message);
      }
    }
    if (found.length) take(found, wrong.join(" "));
    report(box, found, wrong.join(" "));
  };
  const over = (shown) => (event) => {
    event.preventDefault();
    zone.classList.toggle("over", shown);
  };
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", (event) => {
    over(false)(event);
    give([...event.dataTransfer.files]);
  });
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    give(files);
  });
  return box;
}

function words(about, single, take, ready, named) {
  const { kind, columns = [] } = about.format;
  const box = copy("words-template");
  const field = box.querySelector(".words");
  const fill = box.querySelector(".fill");
  box.querySelector(".what").textContent = say(`${single ? "query" : "add"}_${kind}`);
  box.querySelector(".send").textContent = say(single ? "ask" : "add");
  fill.hidden = kind !== "rows" || !columns.length;
  const wrong = (sentence) => problem(box.querySelector(".problem"), sentence);
  const send = async (raws) => {
    wrong(ready());
    if (ready()) return;
    const items = raws.map((raw, i) => (kind === "rows" ? { raw, name: named(i) } : { raw }));
    try {
      const found = await ask("/api/items", { json: { items }, patient: true });
      if (!single) field.value = "";
      take(found.items, "");
      report(box, found.items, "");
    } catch (error) {
      const place = /^items\.(\d+)/.exec(error.where || "");
      const count = place && raws.length > 1 ? Number(place[1]) + 1 : 0;
      wrong(count ? say("line", { count, error: error.message }) : error.message);
      field.focus();
    }
  };
  box.addEventListener("submit", (event) => {
    event.preventDefault();
    const lines = single && kind !== "rows" ? [field.value] : field.value.split("\n");
    const full = lines.map((line) => line.trim()).filter(Boolean);
    if (!full.length) return wrong(say("empty"));
    if (full.length > about.limits.items) return wrong(say("too_many", { count: about.limits.items }));
    try {
      send(kind === "rows" ? (single ? [pairs(full.join(","))] : full.map(pairs)) : full);
    } catch (error) {
      wrong(error.message);
    }
  });
  // Enter asks a one-line question; in a list it begins the next line.
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(single || event.ctrlKey) || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    box.requestSubmit();
  });
  fill.addEventListener("click", async () => {
    const row = await filled(columns, single ? read(field.value) : {});
    if (!row) return fill.focus();
    if (single) field.value = written(row);
    await send([row]);
  });
  return box;
}

// `age=63, sex=1` as a row.
function pairs(line) {
  const found = {};
  for (const pair of line.split(/[,;\t]/).map((part) => part.trim()).filter(Boolean)) {
    const [, name, value] = /^([^=]+)=(.*)$/.exec(pair) || [];
    if (!name) throw new Error(say("pair", { pair }));
    found[name.trim()] = value.trim();
  }
  return found;
}

function read(text) {
  try {
    return pairs(text);
  } catch {
    return {};
  }
}

// What a person would have to write for it.
export const written = (raw) =>
  typeof raw === "string"
    ? raw
    : Object.entries(raw)
        .map(([name, value]) => `${name}=${value}`)
        .join(", ");
