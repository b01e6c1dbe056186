/** The page: a file -> POST v1/score -> a table of models, and where one of them is surprised. */

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

const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const toTenth = (number) => Math.round(10 * number) / 10;

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
  let response;
  try {
    response = await fetch(path, { method: "POST", ...init });
  } catch {
    return { title: "No answer", detail: "The server cannot be reached, or the file can no longer be read." };
  }
  try {
    return await response.json();
  } catch {
    // Not by the API, but by something between it and this page.
    const { status, statusText } = response;
    return {
      title: "No answer",
      detail: `Expected an answer of the API, got ${status} ${statusText}`.trim().concat("."),
    };
  }
}

function showProblem({ title, detail, code }) {
  asked += 1;
  $("#status").textContent = "";
  $("#result").hidden = true;
  $("#problem").replaceChildren(
    element("strong", title ?? "Problem"),
    element("p", detail ?? ""),
    ...(code ? [element("code", code)] : []),
  );
  $("#problem").hidden = false;
}

function show(what, answer) {
  const { input } = answer;
  const columns = COLUMNS[input.kind];
  const groups = input.kind === "audio" ? [audioGroup(answer)] : musicGroups(answer);
  $("#warnings").replaceChildren(...input.warnings.map(({ detail }) => element("li", detail)));
  $("caption").textContent = [
    `${what}: ${summary(input)}. The lowest is the least surprised.`,
    ...(groups.length > 1 ? ["Models of different frame rates cannot be compared."] : []),
  ].join(" ");
  const headings = ["model", ...columns.map(([heading]) => heading)];
  $("thead").replaceChildren(
    element(
      "tr",
      headings.map((text) => element("th", text, { scope: "col" })),
    ),
  );
  for (const body of document.querySelectorAll("tbody")) body.remove();
  $("table").append(...groups.map((group) => body(group, columns, groups.length > 1)));
  draw(groups[0].scores[0]);
  $("#result").hidden = false;
}

/** Scores that can be compared, the best first; `best` is its model. */
const audioGroup = ({ scores, best }) => ({
  best,
  scores: scores.toSorted((a, b) => (b.model === best) - (a.model === best) || a.bitsPerSample - b.bitsPerSample),
});

/** One for each frame rate at which models read the piece. */
const musicGroups = ({ scores, bestByFrameRate }) =>
  bestByFrameRate.map(({ framesPerQuarter, model: best }) => ({
    framesPerQuarter,
    best,
    scores: scores
      .filter((each) => each.framesPerQuarter === framesPerQuarter)
      .toSorted((a, b) => (b.model === best) - (a.model === best) || a.nll - b.nll),
  }));

function summary({ kind, notes, durationQuarters, durationSeconds, sampleRate }) {
  if (kind === "audio") return `${toTenth(durationSeconds)} s at ${sampleRate} Hz`;
  if (durationQuarters === undefined) return counted(notes, "note");
  return `${counted(notes, "note")}, ${counted(toTenth(durationQuarters), "quarter note")} long`;
}

/** Where a score lies among those of the test pieces of the model's set, in words. */
function place(percentile) {
  if (percentile >= 100) return "more surprising than all of the set's test pieces";
  if (percentile <= 0) return "less surprising than all of the set's test pieces";
  const share = percentile < 1 ? "less than 1" : Math.floor(percentile);
  return `more surprising than ${share} % of the set's test pieces`;
}

/** The rows of a group. What is said of each of its models stands in its heading, once. */
function body({ framesPerQuarter, best, scores }, columns, hasHeading) {
  const isShared = (detail) => scores.every(({ warnings }) => warnings.some((each) => each.detail === detail));
  const shared = scores.length > 1 ? scores[0].warnings.map(({ detail }) => detail).filter(isShared) : [];
  const rows = scores.map((each) => row(each, columns, each.model === best, shared));
  if (!hasHeading && shared.length === 0) return element("tbody", rows);
  const heading = element("th", hasHeading ? `${counted(framesPerQuarter, "frame")} a quarter note` : "all models", {
    scope: "rowgroup",
    colSpan: columns.length + 1,
  });
  heading.append(...shared.map(note));
  return element("tbody", [element("tr", heading, { className: "group" }), ...rows]);
}

const note = (text) => element("span", text, { className: "note" });

function row(score, columns, isBest, shared) {
  const choose = element("button", score.model, { type: "button", title: "Show where this model is surprised" });
  choose.addEventListener("click", () => draw(score));
  const name = element("th", choose, { scope: "row" });
  if (isBest) name.append(element("span", "best", { className: "mark" }));
  const own = score.warnings.map(({ detail }) => detail).filter((detail) => !shared.includes(detail));
  if (score.percentile !== undefined) own.unshift(place(score.percentile));
  name.append(...own.map(note));
  const cells = columns.map(([, cell]) => element("td", cell(score)));
  return element("tr", [name, ...cells], { className: isBest ? "best" : "" });
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
  let [least, most] = [Infinity, -Infinity]; // ten minutes of audio are too many arguments for Math.min
  for (const nll of values) [least, most] = [Math.min(least, nll), Math.max(most, nll)];
  $("#legend").textContent =
    `Surprisal under ${model} from beginning to end: ${least.toFixed(1)} to ${most.toFixed(1)} nats a ${perFrame ? "frame" : "step"}.`;
}

const isMidi = ({ name, type }) => /\.(midi?|kar|rmi)$/i.test(name) || /midi/.test(type);

function scoreFiles(files) {
  if (files.length > 1) showProblem({ title: "Too many files", detail: `Expected one file, got ${files.length}.` });
  if (files.length !== 1) return;
  const [file] = files;
  const body = new FormData();
  body.append("file", file);
  const transpose = $("#transpose").value; // empty: what the API does by itself
  score(file.name, isMidi(file) && transpose !== "" ? { transpose } : {}, { body });
}

$("#file").addEventListener("change", ({ target }) => scoreFiles(target.files));
$("#transpose").addEventListener("change", () => scoreFiles($("#file").files));
$("#form").addEventListener("submit", (event) => event.preventDefault());
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
    if (event.dataTransfer.files.length === 1) $("#file").files = event.dataTransfer.files;
    scoreFiles(event.dataTransfer.files);
  });
}

$(".origin").textContent = new URL(".", location.href).href.replace(/\/$/, "");
