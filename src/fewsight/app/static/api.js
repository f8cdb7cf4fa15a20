// How does the page speak to the server? Every failure becomes an Error whose message is one sentence for the reader.

export async function ask(path, options = {}) {
  const { json, ...rest } = options;
  if (json !== undefined) {
    rest.method = "POST";
    rest.headers = { "content-type": "application/json" };
    rest.body = JSON.stringify(json);
  }
  let answer;
  try {
    answer = await fetch(path, rest);
  } catch {
    throw new Error("The server does not answer: is it still running? What you entered is kept.");
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.error || `The server answered ${answer.status}.`);
  return told;
}

export function upload(file) {
  const path = `/api/images?name=${encodeURIComponent(file.name)}`;
  return ask(path, { method: "POST", body: file, headers: { "content-type": "application/octet-stream" } });
}

// One sentence beside what is wrong, or none.
export function problem(element, sentence) {
  element.textContent = sentence || "";
  element.hidden = !sentence;
}

// Files dropped on `zone` or chosen with `input` go to `take`.
export function droppable(zone, input, take) {
  const over = (shown) => (event) => {
    event.preventDefault();
    zone.classList.toggle("over", shown);
  };
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", (event) => {
    over(false)(event);
    take([...event.dataTransfer.files]);
  });
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    take(files);
  });
}

export const percent = (share) =>
  share > 0.999 && share < 1 ? "> 99.9 %" : share > 0 && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;

export const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
