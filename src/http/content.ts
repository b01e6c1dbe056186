/**
 * What a request, an object of a bucket or a file of the command line holds -> Piece or Recording. Recognising it takes its
 * first bytes only, so that models can be chosen before anything is decoded.
 */

import { expected, SurprisalError } from "../errors.ts";
import { type Decoder, isAudio, readAudio } from "../formats/audio.ts";
import { describeBeginning } from "../formats/beginning.ts";
import { isMidi, parseMidi } from "../formats/midi.ts";
import { pianoRoll } from "../formats/piano-roll.ts";
import type { Input } from "../inference/answer.ts";
import { costOfSecond } from "../inference/cost.ts";
import { pieceOfMidi, pieceOfRoll } from "../inference/piece.ts";
import { recordingOf } from "../inference/recording.ts";
import type { Limits } from "../limits.ts";
import type { Model } from "../model/model.ts";
import type { Work } from "../util/work.ts";

/** Bytes of a MIDI or audio file. */
export interface FileContent {
  readonly form: "file";
  readonly bytes: Uint8Array;
  /** Media type that it was sent with, without parameters; decides where the bytes do not. */
  readonly type: string;
  /** Its name, without folders. */
  readonly name?: string | undefined;
}

/** What is to be scored or continued, not yet decoded. */
export type Content =
  | FileContent
  | { readonly form: "frames"; readonly frames: readonly (readonly number[])[] } // MIDI pitches of each frame
  | { readonly form: "samples"; readonly samples: readonly number[]; readonly sampleRate: number }; // full scale = 1; Hz

/**
 * What reading a byte of MIDI takes, in multiply-adds of the kernel: events, controllers and short notes some 700 ns on a slow
 * machine. It matters for compressed bodies, whose bytes are worth less work than that.
 */
export const MIDI_BYTE_COST = 4000;

/** How contents are decoded here. */
export interface Reader {
  readonly limits: Limits;
  readonly decode?: Decoder | undefined; // of audio that is not WAV
}

/** Options that bear on decoding. */
interface DecodeOptions {
  readonly channels?: readonly number[] | undefined;
  readonly tracks?: readonly number[] | undefined;
  readonly programs?: readonly number[] | undefined;
  readonly pedal?: boolean | undefined;
}

const MIDI_OPTIONS = ["channels", "tracks", "programs", "pedal"] as const;

const MIDI_TYPE = /^(audio|application|music)\/((x-)?midi?|sp-midi|crescendo)$/;

/**
 * Whether a content is music or audio: of a file by how it begins, and else by the type that it was sent with.
 * @throws SurprisalError `unsupported-media-type` for a file that is neither.
 */
export function kindOf(content: Content): Input["input"]["kind"] {
  switch (content.form) {
    case "frames":
      return "music";
    case "samples":
      return "audio";
    case "file": {
      const { bytes, type } = content;
      if (isAudio(bytes)) return "audio";
      if (isMidi(bytes)) return "music";
      if (MIDI_TYPE.test(type)) return "music";
      if (type.startsWith("audio/")) return "audio";
      throw new SurprisalError(
        "unsupported-media-type",
        expected("a MIDI or audio file", `${describeBeginning(bytes)}${type && `, sent as ${type}`}`),
      );
    }
  }
}

/**
 * As decodeContent, but decodes no more sound than may be scored: how much a short file holds is only known once it is decoded.
 * @param models that are asked
 * @throws SurprisalError as decodeContent; `too-much-work` when there is more sound than the work allows.
 */
export async function decodeAffordable(
  content: Content,
  options: DecodeOptions,
  reader: Reader,
  models: readonly Model[],
  work: Work,
): Promise<Input> {
  const seconds = Math.floor((10 * work.limit) / costOfSecond(models)) / 10;
  if (!(seconds < reader.limits.seconds)) return decodeContent(content, options, reader, work);
  try {
    return await decodeContent(content, options, { ...reader, limits: { ...reader.limits, seconds } }, work);
  } catch (error) {
    if (!(error instanceof SurprisalError && error.code === "too-large")) throw error;
    const why = `The models that were asked (${models.length}) do no more work than that for a body of this size. Ask for fewer, or send a shorter recording.`;
    throw new SurprisalError("too-much-work", `${error.message} ${why}`, { cause: error });
  }
}

/**
 * Decodes a content.
 * @throws SurprisalError as kindOf, parseMidi, readAudio, pieceOfRoll, pieceOfMidi and recordingOf; `malformed-request` for
 * options that are not for this content.
 */
export async function decodeContent(
  content: Content,
  options: DecodeOptions,
  { limits, decode }: Reader,
  work?: Work,
): Promise<Input> {
  switch (content.form) {
    case "frames":
      for (const name of MIDI_OPTIONS) {
        if (options[name] === undefined) continue;
        throw new SurprisalError("malformed-request", expected(`MIDI beside \`${name}\``, "a piano roll"));
      }
      return pieceOfRoll(pianoRoll(content.frames), limits);
    case "samples":
      return recordingOf({ samples: Float32Array.from(content.samples), sampleRate: content.sampleRate }, limits, work);
    case "file": {
      if (kindOf(content) === "music") {
        await work?.single(content.bytes.length * MIDI_BYTE_COST, `${content.bytes.length} bytes of MIDI`);
        return pieceOfMidi(parseMidi(content.bytes, options), limits);
      }
      return recordingOf(await readAudio(content.bytes, { decode, maxSeconds: limits.seconds }, work), limits, work);
    }
  }
}
