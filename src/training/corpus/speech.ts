/** Files of sound -> cuts of recordings at 8 kHz, as the published sets of speech are made (speech.ts). */
import { expected } from "../../errors.ts";
import { readAudio } from "../../formats/audio.ts";
import { decode } from "../../formats/decoders.ts";
import { dithered } from "../../formats/dither.ts";
import { resample } from "../../formats/resample.ts";
import { malformed } from "../../formats/waveform.ts";
import { SPEECH } from "../../kernel/config.ts";
import { MAX_LOCAL_SECONDS, MAX_SAMPLE } from "../../limits.ts";
import { stepCount } from "../batches.ts";
import { SPEECH_RATE, SPEECH_SHAPES } from "../speech.ts";
import { type CorpusFile, type CorpusPiece, hashOfParts, type Reading, readEach } from "./piece.ts";

/** Samples of a cut: one second. */
const CUT = SPEECH_SHAPES["speech-long"].length;

/** Reads files of sound. What is left after the last whole cut of a recording is a cut too, if there is a step in it. */
export async function readSpeech(files: readonly CorpusFile[]): Promise<Reading> {
  const { read, unread } = await readEach(files, async ({ file, read }): Promise<CorpusPiece> => {
    const { samples, sampleRate } = await readAudio(await read(), { decode, maxSeconds: MAX_LOCAL_SECONDS });
    const odd = samples.find((sample) => !(Math.abs(sample) <= MAX_SAMPLE));
    if (odd !== undefined) throw malformed(expected(`samples of at most ${MAX_SAMPLE} in size`, odd));
    const resampled = await resample(samples, sampleRate, SPEECH_RATE);
    const sequences = cutsOf(dithered(resampled, 0));
    if (sequences.length === 0) {
      const least = SPEECH.inputs + SPEECH.mixture.block;
      throw malformed(expected(`at least ${least} samples at ${SPEECH_RATE} Hz`, resampled.length));
    }
    return { file, content: hashOfParts(samples), sequences };
  });
  return {
    kind: "audio",
    ...SPEECH,
    pieces: read,
    unread,
    notes: [`Read at ${SPEECH_RATE} Hz, in cuts of at most ${CUT} samples.`],
    described: { sampleRate: String(SPEECH_RATE) },
  };
}

const cutsOf = (samples: Float32Array): Float32Array[] =>
  Array.from({ length: Math.ceil(samples.length / CUT) }, (_, n) => samples.subarray(n * CUT, (n + 1) * CUT)).filter(
    (cut) => stepCount(cut) > 0,
  );
