/** What was measured -> the result tables and their summary, which stand in README.md and docs/models.md. */
import { CELLS, type Cell, LOG_SCALE_FLOOR } from "../src/kernel/config.ts";
import { type Model, networksOf } from "../src/model/model.ts";
import { MUSIC_SETS } from "../src/training/datasets.ts";
import { PAPER_UNITS } from "../src/training/protocol.ts";
import { SPEECH_SETS } from "../src/training/speech.ts";
import type { Curve } from "./curves.ts";
import { markdownTable, NONE, pair, signed, withInterval } from "./markdown.ts";
import { BEST_PUBLISHED, PAPER_NLL, SETS, type SetName, TITLES } from "./paper.ts";
import { inOrder, type Result, type Results } from "./results.ts";
import { bitsPerStep } from "./voices.ts";

/** What the pages are made of. Curves by the id of their model; not every model has one. */
export interface Report {
  readonly models: readonly Model[];
  readonly results: Results;
  readonly curves: ReadonlyMap<string, Curve>;
}

/** The result tables in Markdown, with what to know of them, and what was published. */
export function resultTables(report: Report): string {
  const speech = speechTable(report);
  const parts = [
    resultTable(report),
    TABLE_NOTES,
    cellTable(report),
    CELL_NOTES,
    ...(speech ? [speech, SPEECH_NOTES] : []),
  ];
  return [...parts, PUBLISHED_NOTE, publishedTable()].join("\n\n");
}

/** Endings of the ids of models that differ in their training alone. */
const TRAININGS = ["", "-distilled", "-transposed"];

/**
 * The paper's cells of music with independent pitches at its unit counts: by its protocol, by the training that validation likes
 * best, and that one with adaptive scoring.
 */
function cellTable({ models, results }: Report): string {
  const ids = MUSIC_SETS.flatMap((set) => CELLS.map((cell) => ({ set, cell, id: `${set}/${cell}` })));
  return markdownTable(
    ids.map(({ set, cell, id }) => {
      const [best] = models
        .filter((model) => TRAININGS.some((ending) => model.id === id + ending))
        .sort((a, b) => validOf(a) - validOf(b));
      const resultOf = (wanted: string | undefined) => results.models.find(({ model }) => model === wanted);
      const averages = (test: Result["test"] | undefined) => (test ? pair(test.micro.value, test.macro.value) : NONE);
      return {
        "test NLL, micro / macro": id,
        "the paper's": PAPER_NLL[set][cell].test.toFixed(2),
        "its protocol": averages(resultOf(id)?.test),
        "best training": averages(resultOf(best?.id)?.test),
        "best training, adaptive": averages(resultOf(best?.id)?.adaptive),
        "trained by": best?.preset ?? NONE,
      };
    }),
  );
}

const validOf = (model: Model): number =>
  Number(networksOf(model)[0].checkpoint.metadata.validMicro ?? Number.POSITIVE_INFINITY);

const CELL_NOTES = `The paper's cells and unit counts with independent pitches. Its protocol: RMSProp, weight noise of 0.075, the learning rate chosen
on validation. Best training: of that, distillation (\`<set>/<cell>-distilled\`) and a share of transposed pieces (\`<set>/<cell>-transposed\`), as far as
they are shipped, the one with the lowest validation NLL. The paper does not say whether its numbers are micro or macro, and scores statically.`;

const PUBLISHED_NOTE = "The lowest published test NLL that we have read, of music models with independent pitches:";

const publishedTable = () =>
  markdownTable(
    MUSIC_SETS.map((set) => ({
      set: TITLES[set],
      "test NLL": BEST_PUBLISHED[set].test.toFixed(2),
      model: BEST_PUBLISHED[set].by,
    })),
  );

/** Six rows: the test NLL of the paper's cells on each set, the paper's own beside each. */
export function summaryTable({ results }: Report): string {
  const cell = (set: SetName, name: Cell) => {
    const result = results.models.find(({ model }) => model === `${set}/${name}`);
    return `${result?.test.micro.value.toFixed(2) ?? "missing"} (${PAPER_NLL[set][name].test.toFixed(2)})`;
  };
  return markdownTable(
    SETS.map((set) => ({
      "test NLL (paper's)": TITLES[set],
      tanh: cell(set, "tanh"),
      LSTM: cell(set, "lstm"),
      GRU: cell(set, "gru"),
    })),
  );
}

/** The result table of music in Markdown: the twelve models of the paper, the missing ones named, and what else there is. */
function resultTable({ models, results, curves }: Report): string {
  const rows = MUSIC_SETS.flatMap((set) => {
    const others = inOrder(models, set).map(({ id }) => id);
    const cells = CELLS.map((cell) => `${set}/${cell}`);
    return [...new Set([...cells, ...others])].map((id) => {
      const result = results.models.find(({ model }) => model === id);
      const cell = CELLS.find((known) => id === `${set}/${known}`);
      const paper = cell && PAPER_NLL[set][cell];
      return {
        model: id,
        units: result?.units.join(" + ") ?? String(cell ? PAPER_UNITS[cell] : NONE),
        "recurrent parameters": result?.recurrentParameters.toLocaleString("en") ?? NONE,
        "train micro / macro": result ? pair(result.train.micro, result.train.macro) : NONE,
        "test micro [95%]": result ? withInterval(result.test.micro) : "missing",
        "test macro [95%]": result ? withInterval(result.test.macro) : "missing",
        "adaptive, test micro / macro": result?.adaptive
          ? pair(result.adaptive.micro.value, result.adaptive.macro.value)
          : NONE,
        "paper train / test": paper ? pair(paper.train, paper.test) : NONE,
        "less the paper's, micro / macro": result && paper ? difference(result, paper.test) : NONE,
        "epochs, best": epochs(models, id, curves.get(id)),
        seconds: curves.get(id)?.at(-1)?.seconds.toFixed(0) ?? NONE,
      };
    });
  });
  return markdownTable(rows);
}

function epochs(models: readonly Model[], id: string, curve: Curve | undefined): string {
  const model = models.find((each) => each.id === id);
  const networks = model ? networksOf(model) : [];
  if (networks.length !== 1) return NONE;
  const { bestEpoch = "?" } = networks[0].checkpoint.metadata;
  return `${curve?.length ?? "?"}, ${bestEpoch}`;
}

/** The models of speech beside the baseline and the paper's; nothing if there are none. */
function speechTable({ models, results, curves }: Report): string {
  const speech = SPEECH_SETS.flatMap((set) => inOrder(models, set)).filter((model) => model.kind === "audio");
  if (speech.length === 0) return "";
  const rows = speech.flatMap((model) => {
    const result = results.models.find((each) => each.model === model.id);
    if (!result) return [];
    const { cell } = model.checkpoint.config;
    const paper = PAPER_NLL[model.set as SetName][cell];
    return {
      model: model.id,
      units: result.units.join(" + "),
      "recurrent parameters": result.recurrentParameters.toLocaleString("en"),
      train: result.train.micro.toFixed(2),
      "test [95%]": withInterval(result.test.micro),
      "test per sample": (result.test.micro.value / model.shape.block).toFixed(3),
      "bits/sample": bitsPerStep(model, result.test.micro.value).toFixed(2),
      "linear prediction": results.baselines[model.set]?.toFixed(2) ?? NONE,
      "paper's own set, train / test": pair(paper.train, paper.test),
      "epochs, best": epochs(models, model.id, curves.get(model.id)),
      seconds: curves.get(model.id)?.at(-1)?.seconds.toFixed(0) ?? NONE,
    };
  });
  return markdownTable(rows);
}

const difference = ({ test }: Result, paper: number) =>
  `${signed(test.micro.value - paper, 2)} / ${signed(test.macro.value - paper, 2)}`;

/** What to know before reading the table. */
const TABLE_NOTES = `NLL in nats per frame. Micro: over all frames; macro: mean over pieces; the paper does not say which of the two
its numbers are. In brackets 95% intervals of a bootstrap over the test pieces. Adaptive: the weights learn from each frame
once it is scored, and are the trained ones again for the next piece. Recurrent parameters are those
without the output layer, as the paper counts them, but with biases. Seconds are those of the training run on two
CPU cores shared with other work.`;

const SPEECH_NOTES = `Speech: NLL in nats per step of ten samples at 8 kHz, dithered by one step of 16 bits and standardised by the
training samples, under Gaussians whose log deviation is at least ${LOG_SCALE_FLOOR}; a density, so it may be below zero. Bits per sample
are those on the grid of 16 bits. Linear prediction has 20 taps and one Gaussian residual. The paper's sets of the same
shapes are not public: of its numbers only the order can be compared.`;
