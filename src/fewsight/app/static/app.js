// The workbench: one question, one or two sets of examples. What is entered stays in this tab, also when it is reloaded.

import { ask, problem } from "./api.js";
import { Audit } from "./audit.js";
import { face } from "./face.js";
import { giver, written } from "./giver.js";
import { Side } from "./side.js";
import { language, other, say, worded } from "./words.js";

const at = (id) => document.getElementById(id);
const MEMORY = "fewsight-workbench";
const NAMES = { en: "English", zh: "中文" };

const host = {
  about: null,
  query: null,
  sides: [],
  audit: null,
  changed() {
    host.audit.draw();
    const sides = host.sides.map((side) => side.state());
    const kept = { model: host.about.name, query: host.query, sides, questions: host.audit.questions };
    try {
      sessionStorage.setItem(MEMORY, JSON.stringify(kept));
    } catch {
      sessionStorage.removeItem(MEMORY); // too much for this browser to remember
    }
  },
  renamed(side, label, name) {
    if (side === host.sides[0]) host.audit.renamed(label, name);
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
  edit.href = `${location.pathname}${location.search}#a=${id}`;
  edit.textContent = say("work_on");
  edit.setAttribute("aria-label", say("work_on_it", { title }));
  row.append(page, ` · ${new Date(1000 * made).toLocaleString(language)} · `, edit);
  return row;
}

function setQuery(query) {
  host.query = query;
  at("query-face").replaceChildren(...(query && query.picture ? [face(query)] : []));
  at("query-name").textContent = query ? query.name : say(`ask_${host.about.format.kind}`);
  at("query-name").classList.toggle("muted", !query);
  at("query-name").hidden = Boolean(query && typeof query.raw === "string"); // the field below says it
  const field = document.querySelector("#query-drop .words");
  if (field && query) field.value = written(query.raw);
}

function start({ query, sides, questions }) {
  setQuery(query);
  const titles = sides.length > 1 ? [say("answer_a"), say("answer_b")] : [say("answer")];
  host.sides = sides.map((set, i) => new Side(host, titles[i], set));
  host.audit.load(questions || []);
  at("sides").replaceChildren(...host.sides.map((side) => side.root));
  at("sides").dataset.count = String(sides.length);
  at("compare").setAttribute("aria-pressed", String(sides.length > 1));
  at("compare").textContent = say(sides.length > 1 ? "compare_stop" : "compare");
  host.changed();
}

const EMPTY = { query: null, sides: [{ examples: [], classes: [] }], questions: [] };

let samples = 0;

async function sample() {
  problem(at("trouble"), "");
  try {
    const task = await ask(`/api/sample?number=${samples}`, { patient: true });
    samples += 1;
    start({ query: task.query, sides: [task], questions: task.questions });
  } catch (error) {
    problem(at("trouble"), error.message);
  }
}

async function opened() {
  const id = location.hash.startsWith("#a=") && location.hash.slice(3);
  if (!id) return false;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    const { task } = await ask(`/api/analyses/${encodeURIComponent(id)}`);
    start({ query: task.query, sides: [task], questions: task.questions });
    (task.query ? host.sides[0] : host.audit).work.finished(id);
    return true;
  } catch (error) {
    problem(at("trouble"), error.message);
    return false;
  }
}

function model({ name, format, values }) {
  const { kind, channels, columns = [] } = format;
  const blanks = { name, ...format, colour: say(channels === 1 ? "grey" : "colour"), count: columns.length };
  return say(kind === "rows" && !columns.length ? "model_rows_any" : `model_${kind}`, blanks);
}

function listen() {
  at("sample").addEventListener("click", sample);
  at("clear").addEventListener("click", () => start(EMPTY));
  at("compare").addEventListener("click", () => {
    const [first, second] = host.sides.map((side) => side.state());
    start({ query: host.query, sides: second ? [first] : [first, first], questions: host.audit.questions });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    host.sides.forEach((side) => side.drawn && side.shade()),
  );
  window.addEventListener("hashchange", opened);
  const take = ([query]) => {
    setQuery(query);
    host.changed();
    host.sides.forEach((side) => side.refresh());
  };
  const named = () => say("row_question");
  const zone = at("query-drop");
  zone.querySelector(".giver").append(giver(host.about, { single: true, zone, take, named }));
}

document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
worded(document);
// A file that misses its place must not replace the page.
for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
[at("language").textContent, at("language").lang] = [NAMES[other], other];
at("language").href = `?lang=${other}`;
host.about = await ask("/api/run").catch((error) => problem(at("trouble"), error.message));
if (host.about) {
  at("model").textContent = model(host.about);
  document.body.dataset.kind = host.about.format.kind;
  host.audit = new Audit(host);
  listen();
  await host.saved();
  if (!(await opened())) {
    const kept = JSON.parse(sessionStorage.getItem(MEMORY) || "null");
    if (kept && kept.model === host.about.name) start(kept);
    else {
      start(EMPTY);
      await sample();
    }
  }
}
