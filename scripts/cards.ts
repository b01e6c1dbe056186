/** What was measured -> models/README.md, the cards of the models. */
import { CELLS } from "../src/kernel/config.ts";
import { networksOf } from "../src/model/model.ts";
import { MUSIC_FILES, MUSIC_SETS } from "../src/training/datasets.ts";
import { SPEECH_SETS } from "../src/training/speech.ts";
import { SETTINGS, withCurrentNames } from "../src/training/targets.ts";
import { better, type Estimate } from "../src/util/statistics.ts";
import { markdownTable, NONE, signed } from "./markdown.ts";
import { PAPER_NLL, SETS, type SetName, TITLES } from "./paper.ts";
import { inOrder, isPaperCell, type PairResult } from "./results.ts";
import { type Report, resultTables } from "./tables.ts";

/** models/README.md. */
export function modelCards(report: Report): string {
  return `<!-- Written by \`npm run table\`; not to be edited. -->
# The models

Recurrent networks that say how likely the next frame of a piece is, or the next ten samples of a recording of speech,
given all before it. Their sizes and
their training are those of Chung, Gulcehre, Cho and Bengio, "Empirical Evaluation of Gated Recurrent Neural Networks
on Sequence Modeling" (2014, [arXiv 1412.3555](https://arxiv.org/abs/1412.3555)); those with \`-large\` in their names have
more units, and those with \`-nade\` the paper's units under a head in which the pitches of a frame depend on each other. \`<set>/mixture\` is no file of its own: it averages the likelihoods of a set's models frame by frame.

${resultTables(report)}

## Which cell is better

${pairTable(report.results.pairs)}

${findings(report)}

Test NLL of the first less that of the second, in nats per frame or step, with the 95% interval of a paired bootstrap over the
test pieces. The verdict holds if the interval of both averages lies on one side of zero. It is about these checkpoints: a
cell trained from another seed is another model. \`npm run compare -- jsb\` compares all models of a set.

## What they read and give

- Input: binary frames, one column for each MIDI pitch from 1 to the highest of the set. A frame is a fixed part of a
  quarter note, so tempo does not matter; velocity, instruments and bars are not seen.
- Output: for each pitch the probability that it sounds in the next frame: independently of the other pitches of that
  frame, or, with a NADE head, given those below it. In a mixture the pitches depend on each other too.
- Files: safetensors, float32; settings, seed and measurements stand in their metadata. \`catalogue.json\` lists them
  with their sha256, \`results.json\` has the numbers of this page unrounded, \`<set>/<model>.jsonl\` the learning curves,
  \`<set>/<model>.search.jsonl\` the tries of a search and how far each went.

- Speech: 20 samples at 8 kHz in, a mixture of 20 Gaussians over the next 10 out, with the hidden state between steps.
  Every sample after the first 20 is scored once.

## Another voice

${voiceTable(report)}

Recordings that the models have not seen: of the voice that they learned, of another voice in another language, as they are
and at the level of the first, and white noise at that level. The NLL is in nats per step of standardised samples. A density
is the higher the quieter the sound, so only equal levels say how foreign a voice is.
\`npm run evaluate -- 'speech-*/*' --other /usr/share/asterisk/sounds/fr_CA_f_June\` prints the table (Debian's package
asterisk-core-sounds-fr-wav).

## Data

Music: the four sets of Boulanger-Lewandowski, Bengio and Vincent (ICML 2012) in their split, from the files that the TCN
repository publishes; \`npm run data\` fetches them from a pinned commit and checks their hashes. No licence of the sets'
authors was found, so the data are not shipped; the checkpoints and the numbers are.

${setTable()}

Speech: Debian's package asterisk-core-sounds-en-wav, 568 telephone prompts spoken by Allison Smith, 8 kHz and 16 bits, CC
BY-SA 3.0; \`npm run data -- speech --from /usr/share/asterisk/sounds/en_US_f_Allison\` cuts them into sequences, split by
recording 70 / 15 / 15, and prints counts and hashes. The package gives no texts and its voice is one; the sequences of the
paper's shapes are 7,230 of 500 samples and 800 of 8,000 for training.

## Protocol

RMSProp with weight noise, the gradient's norm rescaled to 1, early stopping on the validation NLL; the settings of each
model were chosen by the validation NLL, where there is a search log by that search, elsewhere by hand. The test NLL was seen
along the way and influenced when to stop trying; among the tries validation alone chose. The NADE models have one seed each,
but for tries on JSB Chorales, and many were still improving at their last epoch. Models of speech are trained
without weight noise: their rates were chosen on each set by the validation NLL of the first epochs (short: 12, tanh 6; long: 8), and
the shipped models trained with them for 120, at the end of which the validation NLL changes by less than 0.01 an epoch. Of the rates tried
on the long set the lowest is the best for GRU and tanh; lower ones were not tried.
[protocol.ts](../src/training/protocol.ts) has all settings with their sources. On the same machine
\`npm run train -- <id>\` makes a file again, bit for bit.

${SETS.map((set) => setSection(report, set))
  .filter(Boolean)
  .join("\n\n")}

## Intended use

Comparing pieces, passages or models by how expected they are; continuing a piece by likely frames; teaching and testing
of recurrent networks. A low NLL means "like the training set", which is neither quality nor authorship.

## Limits and known failures

- The grid: a MIDI file is sampled once a frame, three eighths of a frame after the grid point, as the sets were made. Notes
  that cover no sample point are lost, and triplets do not fit. NLL per frame of sets with different frame lengths cannot be
  compared; per quarter note only roughly.
- The key: the sets were transposed to C major or A minor by their authors. A piece in another key is surprising for that
  alone; \`transpose=auto\`, the default for MIDI files, looks for the shift that fits best.
- The style: each model knows one set: chorales, folk tunes, orchestral or piano music. Elsewhere its numbers say how far
  away the input is.
- Held notes and struck ones are the same to the models; so a repeated note looks like a long one.
- A frame that repeats the one before is always likely, so finer grids and slower music have a lower NLL per frame.
- Pitches above the highest of a set are unknown to its models; they are left out and counted in a warning.
- Sampled continuations lose the thread after some bars: pitches are drawn one by one, and there is no plan.
- Speech is one voice reading prompts, cut tight: another voice, a room, a street or music is surprising for that alone.
  Digital silence is cheap, so recordings with pauses score low; compare recordings of equal level and bandwidth.
- Small test sets (Piano-midi: 25 pieces) leave wide intervals; see the table.
`;
}

function pairTable(pairs: readonly PairResult[]): string {
  if (pairs.length === 0) return "There are no two cells of a set to compare yet.";
  const shown = ({ value, low, high }: Estimate) => `${signed(value, 3)} [${signed(low, 3)}, ${signed(high, 3)}]`;
  return markdownTable(
    pairs.map(({ models, micro, macro }) => {
      const verdict = better(micro, models);
      return {
        first: models[0],
        second: models[1],
        "micro [95%]": shown(micro),
        "macro [95%]": shown(macro),
        verdict: verdict && verdict === better(macro, models) ? `${verdict} better` : "cannot tell",
      };
    }),
  );
}

const setTable = () =>
  markdownTable(
    MUSIC_SETS.map((set) => ({
      set,
      file: MUSIC_FILES[set].file,
      "frames per quarter note": String(MUSIC_FILES[set].framesPerQuarter),
      sha256: MUSIC_FILES[set].sha256,
    })),
  );

/** The models of one set with their settings, and the picture; nothing if there are none. */
function setSection({ models, curves }: Report, set: SetName): string {
  const networks = inOrder(models, set)
    .map(networksOf)
    .flatMap((each) => (each.length === 1 ? each : []));
  if (networks.length === 0) return "";
  const all = networks.map(({ checkpoint: { metadata } }) => withCurrentNames(metadata));
  const names = ["preset", "engine", ...SETTINGS, "adaptiveRate"].filter((name) =>
    all.some((metadata) => name in metadata),
  );
  const rows = names.map((setting) => ({
    setting,
    ...Object.fromEntries(networks.map(({ id }, n) => [id, all[n][setting] ?? NONE])),
  }));
  const commands = networks.map(({ id }) => `npm run train -- ${id}`).join("\n");
  const picture = networks.some(({ id }) => curves.has(id))
    ? `\n\n![Learning curves on ${TITLES[set]}](${set}.svg)`
    : "";
  return `### ${TITLES[set]}\n\n\`\`\`sh\n${commands}\n\`\`\`\n\n${markdownTable(rows)}${picture}`;
}

/** Whether the paper's finding on speech holds, in a sentence for each set. */
function findings({ models, results }: Report): string {
  return SPEECH_SETS.flatMap((set) => {
    const tested = inOrder(models, set)
      .filter(isPaperCell)
      .flatMap(({ id }) => results.models.find(({ model }) => model === id) ?? [])
      .sort((a, b) => a.test.micro.value - b.test.micro.value);
    if (tested.length < CELLS.length) return [];
    const order = tested.map(({ model, test }) => `${model} (${test.micro.value.toFixed(2)})`).join(", then ");
    const gatedLead = tested[CELLS.length - 1].model === `${set}/tanh`;
    const last = results.pairs.filter(({ models: [first] }) => first === `${set}/tanh`);
    const sure = gatedLead && last.every(({ micro: { low } }) => low > 0);
    const paper = Object.entries(PAPER_NLL[set]).sort(([, a], [, b]) => a.test - b.test);
    const names = paper.map(([cell, { test }]) => `${cell} (${test.toFixed(2)})`).join(", then ");
    return `- ${TITLES[set]}: best is ${order}. The paper's order on its own set is ${names}; that the gated units are ahead of tanh is ${sure ? "reproduced" : "not reproduced"}.`;
  }).join("\n");
}

function voiceTable({ results }: Report): string {
  const rows = results.voices.flatMap(({ model, sounds }) =>
    sounds.map(({ sound, sequences, deviation, nll, bitsPerSample }) => ({
      model,
      sound,
      sequences: String(sequences),
      deviation: deviation.toFixed(4),
      "NLL per step": nll.toFixed(2).replace("-", "−"),
      "bits/sample": bitsPerSample.toFixed(2),
    })),
  );
  return rows.length > 0 ? markdownTable(rows) : "Not measured yet.";
}
