// One set of examples and what the model makes of it. Names are only ever set as text.

import { ask, droppable, percent, problem, signed, upload } from "./api.js";

const copy = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

export class Side {
  // `host` has the query, and is told of changes by `host.changed()` and of saved analyses by `host.saved()`.
  constructor(host, title, set) {
    this.host = host;
    this.root = copy("side-template");
    this.at = (selector) => this.root.querySelector(selector);
    this.at("h2").textContent = title;
    this.at("h2").id = `side-${title.replace(/\W+/g, "-")}`;
    this.root.setAttribute("aria-labelledby", this.at("h2").id);
    this.at(".add-class").addEventListener("submit", (event) => this.addClass(event));
    this.at(".target").addEventListener("change", () => this.refresh());
    this.at(".explain").addEventListener("click", () => this.explain());
    this.at(".cancel").addEventListener("click", () => this.cancel());
    this.load(set);
  }

  load({ examples, classes }) {
    this.examples = examples.map((example) => ({ ...example }));
    this.classes = [...new Set([...(classes || []), ...examples.map((example) => example.label)])];
    this.before = null;
    this.at(".links").hidden = true;
    this.draw();
    this.refresh();
  }

  state() {
    return { examples: this.examples, classes: this.classes };
  }

  changed() {
    this.at(".links").hidden = true;
    this.host.changed();
    this.refresh();
  }

  // The examples

  draw() {
    this.rows = new Map();
    this.at(".classes").replaceChildren(...this.classes.map((label) => this.drawClass(label)));
    const target = this.at(".target");
    const chosen = target.value;
    const options = this.classes.map((label) => new Option(label, label));
    target.replaceChildren(new Option("predicted", ""), ...options);
    target.value = this.classes.includes(chosen) ? chosen : "";
  }

  drawClass(label) {
    const box = copy("class-template");
    box.querySelector("legend").textContent = label;
    const members = this.examples.filter((example) => example.label === label);
    box.querySelector(".examples").replaceChildren(...members.map((example) => this.drawExample(example)));
    droppable(box, box.querySelector(".files"), (files) => this.add(files, label, box.querySelector(".problem")));
    return box;
  }

  drawExample(example) {
    const row = copy("example-template");
    row.querySelector(".thumb").src = example.picture;
    row.querySelector(".thumb").alt = example.name;
    row.querySelector(".name").textContent = example.name;
    row.querySelector(".name").title = example.name;
    const on = row.querySelector(".on");
    on.checked = example.on;
    on.setAttribute("aria-label", `${example.name} counts`);
    row.classList.toggle("off", !example.on);
    on.addEventListener("change", () => {
      example.on = on.checked;
      row.classList.toggle("off", !example.on);
      this.changed();
    });
    const relabel = row.querySelector(".relabel");
    relabel.replaceChildren(...this.classes.map((label) => new Option(label, label)));
    relabel.value = example.label;
    relabel.setAttribute("aria-label", `Class of ${example.name}`);
    relabel.addEventListener("change", () => {
      example.label = relabel.value;
      this.draw();
      this.rows.get(example).querySelector(".relabel").focus();
      this.changed();
    });
    const remove = row.querySelector(".remove");
    remove.setAttribute("aria-label", `Remove ${example.name}`);
    remove.addEventListener("click", () => {
      this.examples = this.examples.filter((other) => other !== example);
      this.draw();
      this.at(".class-name").focus();
      this.changed();
    });
    this.rows.set(example, row);
    return row;
  }

  async add(files, label, place) {
    const wrong = [];
    for (const file of files) {
      try {
        const { image, name, picture } = await upload(file);
        this.examples.push({ image, name, picture, label, on: true });
      } catch (error) {
        wrong.push(error.message);
      }
    }
    const index = this.classes.indexOf(label);
    this.draw();
    this.changed();
    problem(this.root.querySelectorAll(".class .problem")[index] || place, wrong.join(" "));
  }

  addClass(event) {
    event.preventDefault();
    const input = this.at(".class-name");
    const label = input.value.trim();
    const { label: longest } = this.host.limits;
    const wrong = !label
      ? "Give the class a name."
      : this.classes.includes(label)
        ? "There is a class of this name already."
        : label.length > longest
          ? `A class name has at most ${longest} characters.`
          : "";
    problem(this.at(".class-problem"), wrong);
    if (wrong) return input.focus();
    input.value = "";
    this.classes.push(label);
    this.draw();
    this.root.querySelectorAll(".files")[this.classes.length - 1].focus();
    this.host.changed();
  }

  // The answer

  body() {
    const examples = this.examples.map(({ image, label, on }) => ({ image, label, on }));
    return { examples, query: this.host.query.image, target: this.at(".target").value || null };
  }

  // Asks again for the latest state; while an answer is under way, changes wait and are asked for together.
  async refresh() {
    const ready = this.host.query && new Set(this.examples.filter((e) => e.on).map((e) => e.label)).size > 1;
    this.at(".waiting").hidden = Boolean(ready);
    if (!ready) {
      this.at(".said").hidden = true;
      problem(this.at(".result-problem"), "");
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
      try {
        const answer = await ask("/api/quick", { json: this.body() });
        if (!this.again) this.show(answer, asked);
      } catch (error) {
        problem(this.at(".result-problem"), error.message);
        this.at(".said").hidden = true;
      }
    }
    this.asking = false;
    this.at(".result").classList.remove("stale");
  }

  show(answer, asked) {
    problem(this.at(".result-problem"), "");
    this.at(".said").hidden = false;
    this.at(".answer").textContent = answer.predicted;
    const share = answer.probabilities[answer.labels.indexOf(answer.predicted)];
    const was = this.before ? ` Before the last change: ${this.before}.` : "";
    this.at(".sentence").textContent = `The model gives it ${percent(share)}.${was}`;
    this.before = `${answer.predicted}, ${percent(share)}`;
    this.at(".shares").replaceChildren(...answer.labels.map((label, i) => bar(label, answer.probabilities[i])));
    const radius = answer.radius === null ? "no removal found" : String(answer.radius);
    this.at(".radius").textContent = `Robustness radius: ${radius}. ${answer.radius_note}`;
    const kind = answer.exact ? "exact Shapley values" : answer.kind === "shapley" ? "estimated Shapley values" : "first-order influence";
    this.at(".method").textContent =
      `The figures of the examples are ${kind} on the log-odds of “${answer.target}”. Answered in ${Math.round(1000 * answer.seconds)} ms.`;
    const largest = Math.max(...answer.values.map(Math.abs), 1e-9);
    for (const example of asked) if (this.rows.has(example)) this.worth(this.rows.get(example));
    answer.used.forEach((place, i) => {
      const row = this.rows.get(asked[place]);
      if (row) this.worth(row, answer.values[i], largest, answer.without[i], answer.predicted);
    });
    this.drawn = answer;
    this.map();
    this.root.dataset.answered = String(Number(this.root.dataset.answered || 0) + 1);
  }

  worth(row, value, largest, without, predicted) {
    const meter = row.querySelector(".meter i");
    meter.className = value === undefined ? "" : value >= 0 ? "for" : "against";
    meter.style.width = value === undefined ? "0" : `${(100 * Math.abs(value)) / largest}%`;
    const change =
      without === null ? "the only one of its class" : without === predicted ? "" : `without it: ${without}`;
    row.querySelector(".worth").textContent =
      value === undefined ? "" : [signed(value), change].filter(Boolean).join(" · ");
  }

  // Which pixels speak for the class explained (blue) and for its rival (orange), over the picture itself.
  map() {
    const { map, target, map_against: rival } = this.drawn;
    const canvas = this.at("canvas");
    [canvas.height, canvas.width] = [map.length, map[0].length];
    const ink = canvas.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const [blue, orange] = [style.getPropertyValue("--for").trim(), style.getPropertyValue("--against").trim()];
    ink.globalAlpha = 0.25;
    ink.drawImage(this.host.picture, 0, 0, canvas.width, canvas.height);
    const largest = Math.max(...map.flat().map(Math.abs), 1e-12);
    map.forEach((line, y) =>
      line.forEach((value, x) => {
        ink.globalAlpha = Math.abs(value) / largest;
        ink.fillStyle = value >= 0 ? blue : orange;
        ink.fillRect(x, y, 1, 1);
      }),
    );
    const said = `Pixels for “${target}” (blue) and for “${rival}” (orange)`;
    canvas.setAttribute("aria-label", said);
    this.at("figcaption").textContent = said;
  }

  // The full explanation

  async explain() {
    problem(this.at(".job-problem"), "");
    this.at(".links").hidden = true;
    const bar = this.at(".progress");
    try {
      if (!this.host.query) throw new Error("Choose the image that is to be recognised first.");
      const { examples, query, target } = this.body();
      const { task } = await ask("/api/adapt", { json: { examples } });
      this.job = await ask("/api/explain", { json: { task, query, target } });
      this.working(true);
      while (this.job.state === "queued" || this.job.state === "running") {
        await new Promise((later) => setTimeout(later, 400));
        this.job = await ask(`/api/jobs/${this.job.id}`);
        bar.value = this.job.progress;
      }
      if (this.job.state === "failed") throw new Error(this.job.error);
      if (this.job.state === "done") this.finished(this.job.analysis);
    } catch (error) {
      problem(this.at(".job-problem"), error.message);
    }
    this.working(false);
  }

  working(now) {
    this.at(".progress").hidden = this.at(".cancel").hidden = !now;
    this.at(".explain").disabled = now;
    this.at(".progress").value = 0;
  }

  async cancel() {
    await ask(`/api/jobs/${this.job.id}`, { method: "DELETE" }).catch(() => {});
  }

  finished(analysis) {
    const address = `/a/${analysis}`;
    this.at(".open").href = address;
    this.at(".save").href = `${address}?download=true`;
    this.at(".json").href = `${address}/analysis.json`;
    this.at(".link").href = `/#a=${analysis}`;
    this.at(".links").hidden = false;
    this.host.saved();
  }
}

function bar(label, share) {
  const row = document.createElement("li");
  const [name, meter, figure] = ["span", "div", "span"].map((tag) => document.createElement(tag));
  name.textContent = label;
  meter.className = "meter";
  const filled = document.createElement("i");
  filled.style.width = `${100 * share}%`;
  meter.append(filled);
  figure.textContent = percent(share);
  row.append(name, meter, figure);
  return row;
}
