// The workbench: one question, one or two sets of examples. What is entered stays in this tab, also when it is reloaded.

import { ask, droppable, problem, upload } from "./api.js";
import { Side } from "./side.js";

const at = (id) => document.getElementById(id);
const MEMORY = "fewsight-workbench";

const host = {
  query: null,
  limits: { label: 60 },
  picture: at("query-picture"),
  sides: [],
  changed() {
    const sides = host.sides.map((side) => side.state());
    sessionStorage.setItem(MEMORY, JSON.stringify({ query: host.query, sides }));
  },
  async saved() {
    const { analyses } = await ask("/api/analyses");
    at("saved-none").hidden = analyses.length > 0;
    at("saved").replaceChildren(...analyses.map(entry));
  },
};

function entry({ id, made, title }) {
  const row = document.createElement("li");
  const [page, edit] = [document.createElement("a"), document.createElement("a")];
  page.href = `/a/${id}`;
  page.textContent = title;
  edit.href = `/#a=${id}`;
  edit.textContent = "work on it";
  edit.setAttribute("aria-label", `Work on ${title}`);
  row.append(page, ` · ${new Date(1000 * made).toLocaleString()} · `, edit);
  return row;
}

async function setQuery(query) {
  host.query = query;
  host.picture.hidden = !query;
  const name = at("query-name");
  name.textContent = query ? query.name : "Which image is to be recognised?";
  name.classList.toggle("muted", !query);
  if (query) {
    host.picture.src = query.picture;
    await host.picture.decode().catch(() => {});
  } else {
    host.picture.removeAttribute("src");
  }
}

async function start({ query, sides }) {
  await setQuery(query);
  const titles = sides.length > 1 ? ["Answer of set A", "Answer of set B"] : ["The answer"];
  host.sides = sides.map((set, i) => new Side(host, titles[i], set));
  at("sides").replaceChildren(...host.sides.map((side) => side.root));
  at("sides").dataset.count = String(sides.length);
  at("compare").setAttribute("aria-pressed", String(sides.length > 1));
  at("compare").textContent = sides.length > 1 ? "Stop comparing (keeps set A)" : "Compare two sets of examples";
  host.changed();
}

const EMPTY = { query: null, sides: [{ examples: [], classes: [] }] };

let samples = 0;

async function sample() {
  problem(at("trouble"), "");
  try {
    const task = await ask(`/api/sample?number=${samples}`);
    samples += 1;
    await start({ query: task.query, sides: [task] });
  } catch (error) {
    problem(at("trouble"), error.message);
  }
}

async function reopen(id) {
  const { task } = await ask(`/api/analyses/${encodeURIComponent(id)}`);
  await start({ query: task.query, sides: [task] });
  host.sides[0].finished(id);
}

droppable(at("query-drop"), at("query-file"), async ([file]) => {
  if (!file) return;
  problem(at("query-problem"), "");
  try {
    await setQuery(await upload(file));
    host.changed();
    host.sides.forEach((side) => side.refresh());
  } catch (error) {
    problem(at("query-problem"), error.message);
  }
});
// A file that misses its place must not replace the page.
for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
at("sample").addEventListener("click", sample);
at("clear").addEventListener("click", () => start(EMPTY));
at("compare").addEventListener("click", () => {
  const [first, second] = host.sides.map((side) => side.state());
  start({ query: host.query, sides: second ? [first] : [first, first] });
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  host.sides.forEach((side) => side.drawn && side.map()),
);
window.addEventListener("hashchange", opened);

async function opened() {
  const id = location.hash.startsWith("#a=") && location.hash.slice(3);
  if (!id) return false;
  history.replaceState(null, "", location.pathname);
  try {
    await reopen(id);
    return true;
  } catch (error) {
    problem(at("trouble"), error.message);
    return false;
  }
}

const about = await ask("/api/run").catch((error) => problem(at("trouble"), error.message));
if (about) {
  const { name, format, limits } = about;
  const colour = format.channels === 1 ? "grey" : "colour";
  at("model").textContent = `Model ${name}: sees images as ${format.size} × ${format.size} pixels in ${colour}.`;
  host.limits = limits;
  await host.saved();
  if (!(await opened())) {
    const kept = sessionStorage.getItem(MEMORY);
    if (kept) await start(JSON.parse(kept));
    else {
      await start(EMPTY);
      host.changed();
      await sample();
    }
  }
}
