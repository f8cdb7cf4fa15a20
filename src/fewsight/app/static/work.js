// Long work on the server: begun by a button, with its progress, its end under links, and a way to call it off.

import { ask, problem } from "./api.js";

export class Work {
  // `begin` asks for a job, `saved` is told of the analysis it made; both stand on the page below `root`.
  constructor(root, begin, saved) {
    this.at = (selector) => root.querySelector(selector);
    this.begin = begin;
    this.saved = saved;
    this.at(".start").addEventListener("click", () => this.start());
    this.at(".cancel").addEventListener("click", () => this.cancel());
  }

  async start() {
    problem(this.at(".job-problem"), "");
    this.forget();
    this.at(".start").disabled = true;
    try {
      this.job = await this.begin();
      this.working(true);
      while (this.job.state === "queued" || this.job.state === "running") {
        await new Promise((later) => setTimeout(later, 400));
        this.job = await ask(`/api/jobs/${this.job.id}`);
        this.at(".progress").value = this.job.progress;
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
    this.at(".start").disabled = now;
    this.at(".progress").value = 0;
  }

  async cancel() {
    await ask(`/api/jobs/${this.job.id}`, { method: "DELETE" }).catch(() => {});
  }

  // What was made is no longer of what is shown.
  forget() {
    this.at(".links").hidden = true;
  }

  finished(analysis) {
    const address = `/a/${analysis}`;
    this.at(".open").href = address;
    this.at(".save").href = `${address}?download=true`;
    this.at(".json").href = `${address}/analysis.json`;
    if (this.at(".link")) this.at(".link").href = `/#a=${analysis}`;
    this.at(".links").hidden = false;
    this.saved();
  }
}
