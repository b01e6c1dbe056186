/** The page: a file -> POST v1/score -> a table of models, and where the best of them is surprised. */

const MOST_BARS = 240;
const CHORDS = [
  [48, 64, 67, 72],
  [53, 65, 69, 72],
  [43, 65, 71, 74],
  [48, 64, 67, 72],
];

/** Of a table: its heading, and its cell of a score. Numbers are NLL, so the lowest is the best. */
const COLUMNS = {
  music: [
    ["nats per frame", ({ nll }) => nll.toFixed(3)],
    ["nats per quarter note", ({ nllPerQuarter }) => nllPerQuarter.toFixed(3)],
    ["shifted by", ({ transposedBy }) => `${transposedBy > 0 ? "+" : ""}${transposedBy}`],
  ],
  audio: [
    ["nats per step", ({ nll }) => nll.toFixed(2)],
    ["bits per sample", ({ bitsPerSample }) => bitsPerSample.toFixed(3)],
  ],
};

const $ = (selector) => document.querySelector(selector);

function element(name, content, properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...[content].flat());
  return made;
}

let asked = 0; // an answer to an earlier question comes too late

async function score(what, query, init) {
  asked += 1;
  const number = asked;
  $("#problem").hidden = true;
  $("#result").hidden = true;
  $("#status").textContent = `Scoring ${what} …`;
  const answer = await ask(`v1/score?${new URLSearchParams({ detail: "frames", ...query })}`, init);
  if (number !== asked) return;
  $("#status").textContent = "";
  if (answer.scores) show(what, answer);
  else showProblem(answer);
}

/** The answer, or a problem document. */
async function ask(path, init) {
  try {
    const response = await fetch(path, { method: "POST", ...init });
    return await response.json();
  } catch (error) {
    return { title: "No answer", detail: `The server cannot be reached, or its answer read: ${error.message}.` };
  }
}

function showProblem({ title, detail, code }) {
  $("#problem").replaceChildren(
    element("strong", title ?? "Problem"),
    element("p", detail ?? ""),
    ...(code ? [element("code", code)] : []),
  );
  $("#problem").hidden = false;
}

function show(what, { input, scores, best }) {
  const measure = input.kind === "audio" ? "bitsPerSample" : "nllPerQuarter";
  const sorted = scores.toSorted((a, b) => (b.model === best) - (a.model === best) || a[measure] - b[measure]);
  const columns = COLUMNS[input.kind];
  $("#warnings").replaceChildren(...input.warnings.map(({ detail }) => element("li", detail)));
  $("caption").textContent = `${what}: ${summary(input)}. The lowest is the least surprised.`;
  $("thead").replaceChildren(
    element(
      "tr",
      ["model", ...columns.map(([heading]) => heading)].map((text) => element("th", text, { scope: "col" })),
    ),
  );
  $("tbody").replaceChildren(...sorted.map((each) => row(each, columns, each.model === best)));
  draw(sorted[0]);
  $("#result").hidden = false;
}

function summary({ kind, notes, durationQuarters, durationSeconds, sampleRate }) {
  if (kind === "audio") return `${durationSeconds.toFixed(1)} s at ${sampleRate} Hz`;
  return durationQuarters === undefined
    ? `${notes} notes`
    : `${notes} notes in ${durationQuarters.toFixed(1)} quarters`;
}

function row(score, columns, isBest) {
  const name = element("th", score.model, { scope: "row" });
  if (isBest) name.append(element("span", "best", { className: "mark" }));
  for (const { detail } of score.warnings) name.append(element("span", detail, { className: "note" }));
  return element("tr", [name, ...columns.map(([, cell]) => element("td", cell(score)))], {
    className: isBest ? "best" : "",
  });
}

/** Bars of NLL, each the mean of as many frames or steps as it takes for all to fit. */
function draw({ model, perFrame, perStep }) {
  const values = (perFrame ?? perStep).filter((nll) => nll !== null);
  const width = Math.ceil(values.length / MOST_BARS);
  const bars = Array.from({ length: Math.ceil(values.length / width) }, (_, i) => {
    const some = values.slice(i * width, (i + 1) * width);
    return some.reduce((sum, nll) => sum + nll, 0) / some.length;
  });
  const base = Math.min(0, ...bars); // a density may be above 1
  const scale = 100 / (Math.max(...bars) - base || 1);
  $("#curve").setAttribute("viewBox", `0 0 ${bars.length} 100`);
  $("#curve").replaceChildren(
    ...bars.map((nll, i) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const height = (nll - base) * scale;
      for (const [name, value] of Object.entries({ x: i + 0.1, width: 0.8, y: 100 - height, height })) {
        bar.setAttribute(name, value);
      }
      return bar;
    }),
  );
  const [least, most] = [Math.min(...values), Math.max(...values)].map((nll) => nll.toFixed(1));
  $("#legend").textContent =
    `Surprisal under ${model} from beginning to end: ${least} to ${most} nats a ${perFrame ? "frame" : "step"}.`;
}

const isMidi = ({ name, type }) => /\.(midi?|kar|rmi)$/i.test(name) || /midi/.test(type);

function scoreFile(file) {
  if (!file) return;
  const body = new FormData();
  body.append("file", file);
  score(file.name, isMidi(file) && $("#transpose").checked ? { transpose: "auto" } : {}, { body });
}

$("#file").addEventListener("change", ({ target }) => scoreFile(target.files[0]));
$("#transpose").addEventListener("change", () => scoreFile($("#file").files[0]));
$("#example").addEventListener("click", () =>
  score(
    "Four chords",
    {},
    { body: JSON.stringify({ pianoRoll: CHORDS }), headers: { "Content-Type": "application/json" } },
  ),
);

for (const type of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    event.preventDefault(); // else the browser opens the file
    $("#drop").classList.toggle("over", type === "dragover");
    if (type !== "drop" || event.dataTransfer.files.length === 0) return;
    $("#file").files = event.dataTransfer.files;
    scoreFile($("#file").files[0]);
  });
}

$(".origin").textContent = new URL(".", location.href).href.replace(/\/$/, "");
