// Questions whose right answers are known, and the audit record that is made of them and the first set of examples.

import { ask } from "./api.js";
import { face } from "./face.js";
import { giver } from "./giver.js";
import { Work } from "./work.js";
import { copy, say } from "./words.js";

export class Audit {
  constructor(host) {
    this.host = host;
    this.questions = [];
    this.root = document.getElementById("audit");
    this.at = (selector) => this.root.querySelector(selector);
    this.at("#audit-intro").textContent = say(host.about.values ? "audit_values" : "audit_intro");
    this.at(".audit-work").hidden = host.about.values;
    this.work = new Work(this.root, () => this.begin(), () => host.saved());
    const named = (i) => say("row_name", { count: this.questions.length + i + 1 });
    const take = (found) => this.add(found);
    this.at(".giver").append(giver(host.about, { zone: this.at(".drop"), take, named }));
    this.at(".keep").addEventListener("click", () => host.query && this.add([host.query]));
  }

  load(questions) {
    this.questions = questions.map((question) => ({ ...question }));
    this.draw();
  }

  get classes() {
    return this.host.sides[0].classes;
  }

  draw() {
    this.work.forget();
    const options = () => this.classes.map((label) => new Option(label, label));
    const truth = this.at(".truth");
    const chosen = truth.value;
    truth.replaceChildren(...options());
    truth.value = this.classes.includes(chosen) ? chosen : this.classes[0] || "";
    this.at(".questions").replaceChildren(...this.questions.map((question) => this.drawQuestion(question, options())));
  }

  drawQuestion(question, options) {
    const row = copy("question-template");
    row.querySelector(".face").append(face(question));
    row.querySelector(".name").textContent = question.name;
    const relabel = row.querySelector(".relabel");
    relabel.replaceChildren(...options);
    relabel.value = question.label;
    relabel.setAttribute("aria-label", say("class_of", { name: question.name }));
    relabel.addEventListener("change", () => {
      question.label = relabel.value;
      this.host.changed();
    });
    const remove = row.querySelector(".remove");
    remove.setAttribute("aria-label", say("remove_of", { name: question.name }));
    remove.addEventListener("click", () => {
      this.questions = this.questions.filter((other) => other !== question);
      this.host.changed();
      this.at(".truth").focus();
    });
    return row;
  }

  add(found) {
    const label = this.at(".truth").value;
    this.questions.push(...found.map(({ item, name, text, picture }) => ({ item, name, text, picture, label })));
    this.host.changed();
  }

  renamed(label, name) {
    for (const question of this.questions) if (question.label === label) question.label = name;
  }

  async begin() {
    if (!this.questions.length) throw new Error(say("audit_none"));
    const { examples } = this.host.sides[0];
    const given = examples.map(({ item, label, on }) => ({ item, label, on }));
    const { task } = await ask("/api/adapt", { json: { examples: given }, patient: true });
    const queries = this.questions.map(({ item, label }) => ({ item, label }));
    return ask("/api/audit", { json: { task, queries } });
  }
}
