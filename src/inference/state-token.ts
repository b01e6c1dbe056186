/**
 * Where a run of a model stopped <-> opaque token. A token is base64url of: format (1 byte), version (32 bytes), length of
 * the id (1 byte), id (UTF-8), then of music: shift in semitones (1 byte, signed), frames per quarter note (float64); of
 * audio: position (float64), number of samples (1 byte), samples (float32); last the hidden state (float32). Numbers are
 * little-endian and kept whole, so that a continued run is exact. Whatever comes back from a client is checked here, once.
 */

import { expected, SurprisalError } from "../errors.ts";
import { FRAMES_PER_QUARTER, MAX_SAMPLE, MAX_SHIFT } from "../limits.ts";

import type { Model } from "../model/model.ts";
import { type MusicModel, taggedVersion } from "../model/music-model.ts";
import type { SpeechNetwork, SpeechState } from "../model/speech-network.ts";

const FORMAT = 3;
const ADAPTIVE_FORMAT = 4; // no state follows the id
const VERSION_BYTES = 32;
const HEADER_BYTES = 1 + VERSION_BYTES + 1;
const MUSIC_BYTES = 1 + 8;
const AUDIO_BYTES = 8 + 1;
/** A century at 8 kHz. */
const MAX_POSITION = 2 ** 45;

/** Where a run of a music model stopped, and how its input is read. */
export interface MusicState {
  readonly state: Float32Array; // (S)
  readonly shift: number; // semitones, into the model's key
  readonly framesPerQuarter: number;
}

/** What a token says. */
export type ResumePoint =
  | { readonly kind: "music"; readonly model: MusicModel; readonly stopped: MusicState }
  | { readonly kind: "audio"; readonly model: SpeechNetwork; readonly stopped: SpeechState };

export function musicToken(model: MusicModel, { state, shift, framesPerQuarter }: MusicState): string {
  const payload = new DataView(new ArrayBuffer(MUSIC_BYTES + 4 * state.length));
  payload.setInt8(0, shift);
  payload.setFloat64(1, framesPerQuarter, true);
  writeFloats(payload, MUSIC_BYTES, state);
  return token(model, payload);
}

/** Of a run that changed the weights: they have no room in a token, so it only says why it cannot be continued. */
export const adaptiveToken = (model: MusicModel): string =>
  token(model, new DataView(new ArrayBuffer(0)), ADAPTIVE_FORMAT);

export function speechToken(model: SpeechNetwork, { state, position, samples }: SpeechState): string {
  const payload = new DataView(new ArrayBuffer(AUDIO_BYTES + 4 * (samples.length + state.length)));
  payload.setFloat64(0, position, true);
  payload.setUint8(8, samples.length);
  writeFloats(payload, AUDIO_BYTES, samples);
  writeFloats(payload, AUDIO_BYTES + 4 * samples.length, state);
  return token(model, payload);
}

function token({ id, version }: Model, payload: DataView, format = FORMAT): string {
  const name = new TextEncoder().encode(id);
  const bytes = new Uint8Array(HEADER_BYTES + name.length + payload.byteLength);
  bytes[0] = format;
  for (let i = 0; i < VERSION_BYTES; i++) bytes[1 + i] = Number.parseInt(version.slice(2 * i, 2 * i + 2), 16);
  bytes[HEADER_BYTES - 1] = name.length;
  bytes.set(name, HEADER_BYTES);
  bytes.set(new Uint8Array(payload.buffer), HEADER_BYTES + name.length);
  return toBase64Url(bytes);
}

function writeFloats(view: DataView, at: number, values: Float32Array): void {
  values.forEach((value, i) => {
    view.setFloat32(at + 4 * i, value, true);
  });
}

/** The id of the model that a token is of. @throws SurprisalError `malformed-state` for what no server ever gave out */
export const idOfToken = (token: string): string => readHeader(token).id;

function readHeader(token: string) {
  const bytes = fromBase64Url(token);
  const isAdaptive = bytes[0] === ADAPTIVE_FORMAT;
  if (bytes.length > 0 && bytes[0] !== FORMAT && !isAdaptive) throw malformed(`a format of ${FORMAT}`, bytes[0]);
  if (bytes.length < HEADER_BYTES || bytes.length < HEADER_BYTES + bytes[HEADER_BYTES - 1]) {
    throw malformed("the bytes of a header", bytes.length);
  }
  const start = HEADER_BYTES + bytes[HEADER_BYTES - 1];
  return { bytes, isAdaptive, start, id: new TextDecoder().decode(bytes.subarray(HEADER_BYTES, start)) };
}

/**
 * Reads a token and finds its model.
 * @throws SurprisalError `malformed-state` for what no server ever gave out, `unknown-model` when the model is gone,
 * `stale-state` when it has since been replaced by another version, or had learned from its input.
 */
export function readToken(token: string, models: readonly Model[]): ResumePoint {
  const { bytes, isAdaptive, start, id } = readHeader(token);
  const model = models.find((each) => each.id === id);
  if (!model)
    throw new SurprisalError("unknown-model", `The state token is of a model that this server does not have.`);
  const digest = bytes.subarray(1, 1 + VERSION_BYTES);
  const version = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (version !== model.version) {
    throw new SurprisalError(
      "stale-state",
      `The state token is of version ${taggedVersion(version)} of ${id}, which is now ${taggedVersion(model.version)}; send the whole sequence again.`,
    );
  }
  if (isAdaptive) {
    const reason = "which has no room for the weights that the input has changed";
    throw new SurprisalError(
      "stale-state",
      `The state token is of an adaptive run of ${id}, ${reason}; send the whole sequence again.`,
    );
  }
  const payload = new DataView(bytes.buffer, start);
  return model.kind === "music"
    ? { kind: "music", model, stopped: readMusic(payload, model) }
    : { kind: "audio", model, stopped: readSpeech(payload, model) };
}

function readMusic(payload: DataView, model: MusicModel): MusicState {
  checkSize(payload, MUSIC_BYTES, model);
  const shift = payload.getInt8(0);
  if (Math.abs(shift) > MAX_SHIFT) throw malformed(`a shift of at most ${MAX_SHIFT} semitones`, shift);
  const framesPerQuarter = payload.getFloat64(1, true);
  const { min, max } = FRAMES_PER_QUARTER;
  if (!(framesPerQuarter >= min && framesPerQuarter <= max)) {
    throw malformed(`${min} to ${max} frames per quarter note`, framesPerQuarter);
  }
  return { shift, framesPerQuarter, state: readState(payload, MUSIC_BYTES, model) };
}

function readSpeech(payload: DataView, model: SpeechNetwork): SpeechState {
  const { inputs, shape } = model;
  const count = payload.byteLength < AUDIO_BYTES ? 0 : payload.getUint8(8);
  checkSize(payload, AUDIO_BYTES + 4 * count, model);
  if (count < inputs || count >= inputs + shape.block) {
    throw malformed(`${inputs} to ${inputs + shape.block - 1} samples`, count);
  }
  const position = payload.getFloat64(0, true);
  if (!(position >= 0 && position <= MAX_POSITION && position % shape.block === 0)) {
    throw malformed(`a position that is a multiple of ${shape.block}`, position);
  }
  const samples = readFloats(payload, AUDIO_BYTES, count, () => MAX_SAMPLE);
  return { position, samples, state: readState(payload, AUDIO_BYTES + 4 * count, model) };
}

function checkSize({ byteLength }: DataView, before: number, { id, stateLimits }: Model): void {
  const wanted = before + 4 * stateLimits.length;
  if (byteLength !== wanted) throw malformed(`${wanted} bytes of state for ${id}`, byteLength);
}

const readState = (payload: DataView, at: number, { stateLimits }: Model): Float32Array =>
  readFloats(payload, at, stateLimits.length, (k) => stateLimits[k]);

function readFloats(view: DataView, at: number, count: number, largest: (k: number) => number): Float32Array {
  const values = Float32Array.from({ length: count }, (_, k) => view.getFloat32(at + 4 * k, true));
  values.forEach((value, k) => {
    if (!(Math.abs(value) <= largest(k))) throw malformed(`number ${k} to be at most ${largest(k)} in size`, value);
  });
  return values;
}

const malformed = (wanted: string, got: string | number) =>
  new SurprisalError("malformed-state", `The state token cannot be read. ${expected(wanted, got)}`);

const toBase64Url = (bytes: Uint8Array) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const unreadable = () => malformed("base64url", "other characters");
  if (!/^[\w-]+$/.test(text)) throw unreadable();
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  } catch {
    throw unreadable();
  }
  // One token for one state: bits that atob would ignore are refused.
  if (toBase64Url(bytes) !== text) throw unreadable();
  return bytes;
}
