// How does the page speak to the server? In its own language. Every failure becomes an Error whose message is one
// sentence for the reader.

import { language, say } from "./words.js";

const PATIENCE = 8;

// With `patient`, a busy server is asked again when it said to come back.
export async function ask(path, { json, patient = false, ...rest } = {}) {
  rest.headers = { "accept-language": language, ...rest.headers };
  if (json !== undefined) {
    rest.method = "POST";
    rest.headers["content-type"] = "application/json";
    rest.body = JSON.stringify(json);
  }
  for (let tried = 0; ; tried += 1) {
    let answer;
    try {
      answer = await fetch(path, rest);
    } catch {
      throw new Error(say("no_server"));
    }
    if (answer.status === 429 && patient && tried < PATIENCE) {
      await new Promise((later) => setTimeout(later, 1000 * Number(answer.headers.get("retry-after") || 1)));
      continue;
    }
    const told = await answer.json().catch(() => ({}));
    if (answer.ok) return told;
    throw Object.assign(new Error(told.error || say("status", { status: answer.status })), { where: told.where });
  }
}

// One sentence beside what it is about, or none.
export function problem(element, sentence) {
  element.textContent = sentence || "";
  element.hidden = !sentence;
}

export const percent = (share) =>
  share > 0.999 && share < 1 ? "> 99.9 %" : share > 0 && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;

// With a sign; a small one keeps a digit, for its sign alone would say little.
export const signed = (value) => {
  const size = Math.abs(value);
  return (value < 0 ? "−" : "+") + (size < 0.005 && size > 1e-6 ? size.toPrecision(1) : size.toFixed(2));
};

export const figure = (value) => String(Number(value.toPrecision(4))).replace("-", "−");
