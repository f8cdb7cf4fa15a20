// One set of examples and what the model makes of it. Names are only ever set as text.

import { ask, figure, percent, problem, signed } from "./api.js";
import { face, shade } from "./face.js";
import { giver, report } from "./giver.js";
import { Work } from "./work.js";
import { copy, say } from "./words.js";

let made = 0;

export class Side {
  // `host` has the model, the query, and is told of changes by `host.changed()` and of saved analyses by `host.saved()`.
  constructor(host, title, set) {
    this.host = host;
    this.regression = host.about.values;
    this.root = copy("side-template");
    this.at = (selector) => this.root.querySelector(selector);
    this.at("h2").textContent = title;
    this.at("h2").id = `side-${(made += 1)}`;
    this.root.setAttribute("aria-labelledby", this.at("h2").id);
    const suffix = this.regression ? "_values" : "";
    this.at(".waiting").textContent = say(`waiting${suffix}`);
    this.at(".key-for").textContent = say(`key_for${suffix}`);
    this.at(".key-against").textContent = say(`key_against${suffix}`);
    this.at(".add-class").hidden = this.at(".target-label").hidden = this.regression;
    this.at(".add-class").addEventListener("submit", (event) => this.addClass(event));
    this.at(".target").addEventListener("change", () => this.refresh());
    this.work = new Work(this.root, () => this.explain(), () => host.saved());
    this.load(set);
  }

  load({ examples, classes }) {
    this.examples = examples.map((example) => ({ ...example }));
    this.classes = [...new Set([...(classes || []), ...examples.map((example) => example.label)])];
    this.before = null;
    this.work.forget();
    this.draw();
    this.refresh();
  }

  state() {
    return { examples: this.examples, classes: this.regression ? [] : this.classes };
  }

  changed() {
    this.work.forget();
    this.host.changed();
    this.refresh();
  }

  // The examples

  draw() {
    this.rows = new Map();
    const boxes = this.regression ? [this.drawValues()] : this.classes.map((label) => this.drawClass(label));
    this.at(".classes").replaceChildren(...boxes);
    const target = this.at(".target");
    const chosen = target.value;
    const options = this.classes.map((label) => new Option(label, label));
    target.replaceChildren(new Option(say("predicted"), ""), ...options);
    target.value = this.classes.includes(chosen) ? chosen : "";
  }

  drawClass(label) {
    const box = copy("class-template");
    box.querySelector(".label").textContent = label;
    const rename = box.querySelector(".rename");
    rename.setAttribute("aria-label", say("rename_of", { name: label }));
    const form = box.querySelector(".renaming");
    rename.addEventListener("click", () => {
      form.hidden = !form.hidden;
      form.querySelector(".new-name").value = label;
      if (!form.hidden) form.querySelector(".new-name").select();
    });
    form.addEventListener("submit", (event) => this.rename(event, label));
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      form.hidden = true;
      rename.focus();
    });
    const members = this.examples.filter((example) => example.label === label);
    this.fill(box, members, (found, wrong) => this.add(found, label, wrong));
    return box;
  }

  // In regression there are no classes; every example has its value.
  drawValues() {
    const box = copy("class-template");
    box.querySelector(".label").textContent = say("all_examples");
    box.querySelector(".rename").hidden = true;
    box.querySelector(".value-label").hidden = false;
    const value = () => box.querySelector(".value-new").value.trim();
    const ready = () => (value() && Number.isFinite(Number(value())) ? "" : say("value_wrong"));
    this.fill(box, this.examples, (found, wrong) => this.add(found, value(), wrong), ready);
    return box;
  }

  fill(box, members, take, ready) {
    box.querySelector(".examples").replaceChildren(...members.map((example) => this.drawExample(example)));
    const named = (i) => say("row_name", { count: this.examples.length + i + 1 });
    box.querySelector(".giver").append(giver(this.host.about, { zone: box, take, ready, named }));
  }

  drawExample(example) {
    const row = copy("example-template");
    row.querySelector(".face").append(face(example));
    row.querySelector(".name").textContent = example.name;
    row.querySelector(".name").title = example.name;
    const on = row.querySelector(".on");
    on.checked = example.on;
    on.setAttribute("aria-label", say("counts_of", { name: example.name }));
    row.classList.toggle("off", !example.on);
    on.addEventListener("change", () => {
      example.on = on.checked;
      row.classList.toggle("off", !example.on);
      this.changed();
    });
    if (this.regression) this.drawValue(row, example);
    else this.drawLabel(row, example);
    const remove = row.querySelector(".remove");
    remove.setAttribute("aria-label", say("remove_of", { name: example.name }));
    remove.addEventListener("click", () => {
      this.examples = this.examples.filter((other) => other !== example);
      this.draw();
      this.at(this.regression ? ".words, .files" : ".class-name").focus();
      this.changed();
    });
    this.rows.set(example, row);
    return row;
  }

  drawLabel(row, example) {
    const relabel = row.querySelector(".relabel");
    relabel.replaceChildren(...this.classes.map((label) => new Option(label, label)));
    relabel.value = example.label;
    relabel.setAttribute("aria-label", say("class_of", { name: example.name }));
    relabel.addEventListener("change", () => {
      example.label = relabel.value;
      this.draw();
      this.rows.get(example).querySelector(".relabel").focus();
      this.changed();
    });
  }

  drawValue(row, example) {
    const revalue = row.querySelector(".revalue");
    row.querySelector(".relabel").hidden = true;
    row.querySelector(".is").textContent = say("is_value");
    revalue.hidden = false;
    revalue.value = example.label;
    revalue.setAttribute("aria-label", say("value_of", { name: example.name }));
    revalue.addEventListener("change", () => {
      example.label = revalue.value.trim();
      this.changed();
    });
  }

  add(found, label, wrong) {
    for (const { item, name, text, picture } of found) {
      this.examples.push({ item, name, text, picture, label, on: true });
    }
    const index = this.regression ? 0 : this.classes.indexOf(label);
    this.draw();
    this.changed();
    const box = this.root.querySelectorAll(".class")[index];
    box.querySelector(".words, .files").focus();
    report(box.querySelector(".give"), found, wrong);
  }

  // What is wrong with a class name, or nothing.
  misnamed(label) {
    const longest = this.host.about.limits.label;
    if (!label) return say("class_unnamed");
    if (this.classes.includes(label)) return say("class_known");
    return label.length > longest ? say("class_long", { count: longest }) : "";
  }

  addClass(event) {
    event.preventDefault();
    const input = this.at(".class-name");
    const label = input.value.trim();
    const wrong = this.misnamed(label);
    problem(this.at(".class-problem"), wrong);
    if (wrong) return input.focus();
    input.value = "";
    this.classes.push(label);
    this.draw();
    this.root.querySelectorAll(".class .words, .class .files")[this.classes.length - 1].focus();
    this.host.changed();
  }

  rename(event, label) {
    event.preventDefault();
    const form = event.target;
    const name = form.querySelector(".new-name").value.trim();
    const wrong = name === label ? "" : this.misnamed(name);
    problem(form.querySelector(".rename-problem"), wrong);
    if (wrong) return form.querySelector(".new-name").focus();
    const index = this.classes.indexOf(label);
    const explained = this.at(".target").value === label;
    this.classes[index] = name;
    for (const example of this.examples) if (example.label === label) example.label = name;
    this.draw();
    if (explained) this.at(".target").value = name;
    this.root.querySelectorAll(".rename")[index].focus();
    this.host.renamed(this, label, name);
    this.changed();
  }

  // The answer

  body() {
    const examples = this.examples.map(({ item, label, on }) => ({ item, label, on }));
    return { examples, query: this.host.query.item, target: this.at(".target").value || null };
  }

  get enough() {
    const on = this.examples.filter((example) => example.on);
    return this.regression ? on.length > 1 : new Set(on.map((example) => example.label)).size > 1;
  }

  // Asks again for the latest state; while an answer is under way, changes wait and are asked for together.
  async refresh() {
    const ready = this.host.query && this.enough;
    this.at(".waiting").hidden = Boolean(ready);
    if (!ready) {
      this.at(".said").hidden = true;
      this.wrong();
      for (const row of this.rows.values()) this.worth(row);
      return;
    }
    this.again = true;
    if (this.asking) return;
    this.asking = true;
    this.at(".result").classList.add("stale");
    while (this.again) {
      this.again = false;
      const asked = [...this.examples];
      const query = this.host.query;
      try {
        const answer = await ask("/api/quick", { json: this.body(), patient: true });
        if (!this.again) this.show(answer, asked, query);
      } catch (error) {
        if (!this.again) this.wrong(error, asked);
        this.at(".said").hidden = true;
      }
    }
    this.asking = false;
    this.at(".result").classList.remove("stale");
  }

  // What is wrong stands beside the example that it is about, else where the answer would stand.
  wrong(error, asked) {
    const place = error && /^examples\.(\d+)/.exec(error.where || "");
    const wrong = place && this.rows.get(asked[place[1]]);
    for (const row of this.rows.values()) problem(row.querySelector(".problem"), row === wrong ? error.message : "");
    problem(this.at(".result-problem"), error && !wrong ? error.message : "");
  }

  show(answer, asked, query) {
    this.wrong();
    this.at(".said").hidden = false;
    this.at(".answer").textContent = this.regression ? figure(answer.predicted) : answer.predicted;
    this.at(".sentence").textContent = this.sentence(answer);
    this.at(".radius").hidden = this.regression;
    if (!this.regression) {
      this.at(".shares").replaceChildren(...answer.labels.map((label, i) => bar(label, answer.probabilities[i])));
      const radius = answer.radius === null ? say("radius_none") : String(answer.radius);
      this.at(".radius").textContent = `${say("radius", { radius })} ${answer.radius_note}`;
    }
    this.at(".method").textContent = this.method(answer);
    const largest = Math.max(...answer.values.map(Math.abs), 1e-9);
    for (const example of asked) if (this.rows.has(example)) this.worth(this.rows.get(example));
    answer.used.forEach((place, i) => {
      const row = this.rows.get(asked[place]);
      if (row) this.worth(row, answer.values[i], largest, this.without(answer, i));
    });
    this.drawn = { answer, query };
    this.shade();
    this.root.dataset.answered = String(Number(this.root.dataset.answered || 0) + 1);
  }

  sentence(answer) {
    const { predicted } = answer;
    const share = this.regression ? null : percent(answer.probabilities[answer.labels.indexOf(predicted)]);
    const said = this.regression ? say("sentence_values") : say("sentence", { share });
    const { before } = this;
    this.before = this.regression ? figure(predicted) : `${predicted}, ${share}`;
    return before ? `${said} ${say("before", { before })}` : said;
  }

  // What the figures beside the examples mean.
  method({ kind, exact, baseline, value, target, seconds }) {
    const blanks = {
      kind: say(exact ? "shapley_exact" : kind),
      scale: this.regression ? say("scale_values") : say("scale", { target }),
      baseline: baseline === null ? "" : figure(baseline),
      value: figure(value),
    };
    const meaning = say(kind === "shapley" ? "method_share" : "method_slope", blanks);
    return `${meaning} ${say("method_without", { milliseconds: Math.round(1000 * seconds) })}`;
  }

  // What the model says once it has learned without the example.
  without({ predicted, target, value, leave_one_out: out, without }, i) {
    if (this.regression) return say("without", { answer: figure(value - out[i]) });
    if (without[i] === null) return say("without_class");
    const share = percent(1 / (1 + Math.exp(out[i] - value))); // the value is the log-odds of the class explained
    return say(without[i] === predicted ? "without_share" : "without_other", { share, target, answer: without[i] });
  }

  worth(row, value, largest, change) {
    const meter = row.querySelector(".meter i");
    meter.className = value === undefined ? "" : value >= 0 ? "for" : "against";
    meter.style.width = value === undefined ? "0" : `${(100 * Math.abs(value)) / largest}%`;
    row.querySelector(".worth").textContent =
      value === undefined ? "" : [signed(value), change].filter(Boolean).join(" · ");
  }

  shade() {
    shade(this.at(".parts"), this.drawn.query, this.drawn.answer);
  }

  // The full explanation: the task is learned, then the work begins.
  async explain() {
    if (!this.host.query) throw new Error(say("no_question"));
    const { examples, query, target } = this.body();
    const { task } = await ask("/api/adapt", { json: { examples }, patient: true });
    return ask("/api/explain", { json: { task, query, target } });
  }
}

function bar(label, share) {
  const row = document.createElement("li");
  const [name, meter, told] = ["span", "div", "span"].map((tag) => document.createElement(tag));
  name.textContent = label;
  meter.className = "meter";
  const filled = document.createElement("i");
  filled.style.width = `${100 * share}%`;
  meter.append(filled);
  told.textContent = percent(share);
  row.append(name, meter, told);
  return row;
}
