/** A prediction -> its continuation as a file: MIDI of music, in the input's tempo and time signature, WAV of audio. */

import { expected, SurprisalError } from "../errors.ts";
import { writeMidi } from "../formats/midi.ts";
import { pianoRoll } from "../formats/piano-roll.ts";
import { writeWav } from "../formats/wav.ts";
import type { MusicInput } from "../schema/common.ts";
import type { PredictResponse } from "../schema/predict.ts";

/** @throws SurprisalError `not-acceptable` unless there is the continuation of exactly one model. */
export function continuationFile({ input, predictions }: PredictResponse) {
  const [prediction] = predictions;
  if (predictions.length !== 1 || !prediction.continuation) {
    throw new SurprisalError(
      "not-acceptable",
      `${expected("the continuation of one model, as a file has", `${predictions.length} models ${prediction.continuation ? "with" : "without"} steps`)} Set models to one id and steps to a number.`,
    );
  }
  if ("framesPerQuarter" in prediction) {
    const { continuation, framesPerQuarter } = prediction;
    const { tempo, timeSignature }: Partial<MusicInput> = input.kind === "music" ? input : {};
    const bytes = writeMidi(pianoRoll(continuation), { framesPerQuarter, tempo, timeSignature });
    return { bytes, mediaType: "audio/midi", extension: "mid" } as const;
  }
  const { continuation, sampleRate } = prediction;
  const bytes = writeWav({ samples: Float32Array.from(continuation), sampleRate });
  return { bytes, mediaType: "audio/wav", extension: "wav" } as const;
}
