// In which language does the workbench speak? That of `?lang=`, else the browser's; every sentence is in messages.json.

const CATALOGUES = await (await fetch("/static/messages.json")).json();
const asked = new URLSearchParams(location.search).get("lang") || navigator.language.slice(0, 2);

export const language = asked in CATALOGUES ? asked : "en";
export const other = language === "en" ? "zh" : "en";

// The sentence `key` with its blanks filled in.
export const say = (key, blanks = {}) =>
  CATALOGUES[language][key].replace(/\{(\w+)\}/g, (_, name) => String(blanks[name]));

// Give every element below `root` its words: `data-say` is its text, `data-say-label` its name for who cannot see it.
export function worded(root) {
  for (const element of root.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const element of root.querySelectorAll("[data-say-label]"))
    element.setAttribute("aria-label", say(element.dataset.sayLabel));
  return root;
}

// A copy of a template's content.
export const copy = (id) => worded(document.getElementById(id).content.cloneNode(true)).firstElementChild;
