/** What was published, in nats per frame or step: the numbers beside which ours stand. */
import type { Cell } from "../src/kernel/config.ts";
import { MUSIC_SETS, type MusicSetName } from "../src/training/datasets.ts";
import { SPEECH_SETS, type SpeechSetName } from "../src/training/speech.ts";

export type SetName = MusicSetName | SpeechSetName;
export const SETS: readonly SetName[] = [...MUSIC_SETS, ...SPEECH_SETS];

/** As the paper writes them. */
export const TITLES: Readonly<Record<SetName, string>> = {
  nottingham: "Nottingham",
  jsb: "JSB Chorales",
  musedata: "MuseData",
  "piano-midi": "Piano-midi",
  "speech-short": "Speech, short",
  "speech-long": "Speech, long",
};

/**
 * Chung, Gulcehre, Cho, Bengio 2014 (arXiv 1412.3555), table 2. It does not say whether they are micro or macro. Beside ours
 * of speech stand those of its own sets of the same shape, Ubisoft A and B, which are not public.
 */
export const PAPER_NLL: Readonly<
  Record<SetName, Readonly<Record<Cell, { readonly train: number; readonly test: number }>>>
> = {
  nottingham: {
    tanh: { train: 3.22, test: 3.13 },
    gru: { train: 2.79, test: 3.23 },
    lstm: { train: 3.08, test: 3.2 },
  },
  jsb: {
    tanh: { train: 8.82, test: 9.1 },
    gru: { train: 6.94, test: 8.54 },
    lstm: { train: 8.15, test: 8.67 },
  },
  musedata: {
    tanh: { train: 5.64, test: 6.23 },
    gru: { train: 5.06, test: 5.99 },
    lstm: { train: 5.18, test: 6.23 },
  },
  "piano-midi": {
    tanh: { train: 5.64, test: 9.03 },
    gru: { train: 4.93, test: 8.82 },
    lstm: { train: 6.49, test: 9.03 },
  },
  "speech-short": {
    tanh: { train: 6.29, test: 6.44 },
    gru: { train: 2.31, test: 3.59 },
    lstm: { train: 1.44, test: 2.7 },
  },
  "speech-long": {
    tanh: { train: 7.61, test: 7.62 },
    gru: { train: 0.38, test: 0.88 },
    lstm: { train: 0.8, test: 1.26 },
  },
};

const TCN = "TCN, Bai et al. 2018 (arXiv 1803.01271)";
const PASCANU = "RNN, Pascanu et al. 2013 (arXiv 1211.5063)";

/** The lowest published test NLL that we have read, each of a model whose pitches are independent given the frames before. */
export const BEST_PUBLISHED: Readonly<Record<MusicSetName, { readonly test: number; readonly by: string }>> = {
  nottingham: { test: 3.07, by: TCN },
  jsb: { test: 8.1, by: TCN },
  musedata: { test: 6.99, by: PASCANU },
  "piano-midi": { test: 7.46, by: PASCANU },
};
