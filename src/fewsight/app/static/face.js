// How is an item shown? By its picture; a text by its words. Which part of the question says what: shaded, with figures.

import { signed } from "./api.js";
import { say } from "./words.js";

const LARGEST = 5;
const COLUMNS = 15;
const MARKED = 0.1;
// Percent of the colour at a share of 1: the ink on it keeps a contrast of 4.5 in light and dark.
const TINT = 45;

export function face({ picture, text }) {
  const element = document.createElement(picture ? "img" : "p");
  element.className = picture ? "thumb" : "snippet";
  if (picture) [element.src, element.alt] = [picture, text];
  else [element.textContent, element.dir] = [text, "auto"];
  return element;
}

// The parts of the question in `box`: blue speaks for the class explained, orange for its rival.
export function shade(box, query, { query: found, target }) {
  const { against: rival, kind } = found;
  const values = rival === null;
  const caption = document.createElement("figcaption");
  caption.className = "small";
  if (found.map) {
    const said = values ? say("pixels_values") : say("pixels", { target, rival });
    caption.textContent = said;
    box.replaceChildren(pixels(query, found.map, said), caption);
    return;
  }
  caption.textContent = say(values ? "parts_values" : "parts", { target, rival, kind: say(kind) });
  const row = query.raw && typeof query.raw === "object";
  const drawn = row
    ? [table(query.raw, found)]
    : [found.shaded ? drawing(query, found.shaded) : passage(query.text, found), largest(found)];
  box.replaceChildren(...drawn, caption);
}

const ordered = (values) => values.map((_, i) => i).sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]));

// A ground of the colour that a share in [-1, 1] stands for.
function tint(element, share) {
  const colour = share > 0 ? "--for" : "--against";
  element.style.background = `color-mix(in srgb, var(${colour}) ${Math.round(TINT * Math.abs(share))}%, transparent)`;
}

function pixels(query, map, said) {
  const canvas = document.createElement("canvas");
  [canvas.height, canvas.width] = [map.length, map[0].length];
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", said);
  const ink = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const [blue, orange] = [style.getPropertyValue("--for").trim(), style.getPropertyValue("--against").trim()];
  const top = Math.max(...map.flat().map(Math.abs), 1e-12);
  const draw = () =>
    map.forEach((line, y) =>
      line.forEach((value, x) => {
        ink.globalAlpha = Math.abs(value) / top;
        ink.fillStyle = value >= 0 ? blue : orange;
        ink.fillRect(x, y, 1, 1);
      }),
    );
  const picture = new Image();
  picture.onload = () => {
    ink.globalAlpha = 0.25;
    ink.drawImage(picture, 0, 0, canvas.width, canvas.height);
    draw();
  };
  picture.src = query.picture;
  return canvas;
}

function drawing(query, shaded) {
  const image = document.createElement("img");
  image.className = "drawing";
  [image.src, image.alt] = [shaded, say("query_alt", { name: query.text })];
  return image;
}

// The text with each of its parts where it stands, tinted; a sign says the same without colour.
function passage(text, { parts, values }) {
  const top = Math.max(...values.map(Math.abs), 1e-12);
  const line = document.createElement("p");
  line.className = "passage";
  line.dir = "auto";
  let end = 0;
  parts.forEach((part, i) => {
    const start = text.indexOf(part, end);
    if (start < 0) return;
    const share = values[i] / top;
    const piece = document.createElement("span");
    piece.textContent = part;
    piece.title = signed(values[i]);
    tint(piece, share);
    if (Math.abs(share) >= MARKED) {
      const mark = document.createElement("sup");
      mark.textContent = share > 0 ? "+" : "−";
      piece.append(mark);
    }
    line.append(text.slice(end, start), piece);
    end = start + part.length;
  });
  line.append(text.slice(end));
  return line;
}

function largest({ parts, values }) {
  const list = document.createElement("ul");
  list.className = "largest small";
  list.setAttribute("aria-label", say("parts_largest"));
  for (const i of ordered(values).slice(0, LARGEST).filter((i) => values[i])) {
    const row = document.createElement("li");
    const [name, value] = ["span", "span"].map((tag) => document.createElement(tag));
    name.textContent = parts[i];
    value.textContent = signed(values[i]);
    row.append(name, " ", value);
    list.append(row);
  }
  return list;
}

// The columns of a row that say most, with what stands in them.
function table(row, { parts, values }) {
  const top = Math.max(...values.map(Math.abs), 1e-12);
  const made = document.createElement("table");
  made.className = "columns small";
  for (const i of ordered(values).slice(0, COLUMNS)) {
    const line = made.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = parts[i];
    line.append(head);
    line.insertCell().textContent = row[parts[i]] ?? say("row_none");
    const cell = line.insertCell();
    cell.textContent = signed(values[i]);
    tint(cell, values[i] / top);
  }
  const count = values.length - COLUMNS;
  if (count > 0) {
    const cell = made.createTFoot().insertRow().insertCell();
    [cell.colSpan, cell.textContent] = [3, say("columns_rest", { count })];
  }
  return made;
}
