/**
 * Hidden state <-> opaque token. A token is base64url of: format (1 byte), shift in semitones (1 byte, signed), frames per
 * quarter note (float64), version (32 bytes), length of the id (1 byte), id (UTF-8), state (float32). Numbers are
 * little-endian and kept whole, so that a continued run is exact.
 * Whatever comes back from a client is checked here, once.
 */
import { SurprisalError } from "./errors.ts";
import { FRAMES_PER_QUARTER } from "./midi.ts";
import { type Model, taggedVersion } from "./model.ts";
import { LARGEST_SHIFT } from "./schema.ts";

const FORMAT = 2;
const VERSION_AT = 10;
const VERSION_BYTES = 32;
const HEADER_BYTES = VERSION_AT + VERSION_BYTES + 1;

/** Where a run of a model stopped, and how its input is read. */
export interface StoppedRun {
  readonly state: Float32Array; // (S)
  readonly shift: number; // semitones, into the model's key
  readonly framesPerQuarter: number;
}

export function stateToken(model: Model, { state, shift, framesPerQuarter }: StoppedRun): string {
  const id = new TextEncoder().encode(model.id);
  const bytes = new Uint8Array(HEADER_BYTES + id.length + 4 * state.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = FORMAT;
  view.setInt8(1, shift);
  view.setFloat64(2, framesPerQuarter, true);
  for (let i = 0; i < VERSION_BYTES; i++) {
    bytes[VERSION_AT + i] = Number.parseInt(model.version.slice(2 * i, 2 * i + 2), 16);
  }
  bytes[HEADER_BYTES - 1] = id.length;
  bytes.set(id, HEADER_BYTES);
  state.forEach((value, k) => {
    view.setFloat32(HEADER_BYTES + id.length + 4 * k, value, true);
  });
  return toBase64Url(bytes);
}

/**
 * Reads a token and finds its model.
 * @throws SurprisalError `malformed-state` for what no server ever gave out, `unknown-model` when the model is gone,
 * `stale-state` when it has since been replaced by another version.
 */
export function readStateToken(token: string, models: readonly Model[]): StoppedRun & { readonly model: Model } {
  const bytes = fromBase64Url(token);
  if (bytes.length > 0 && bytes[0] !== FORMAT) throw malformed(`it has format ${bytes[0]}; wanted ${FORMAT}.`);
  if (bytes.length < HEADER_BYTES || bytes.length < HEADER_BYTES + bytes[HEADER_BYTES - 1]) {
    throw malformed(`it holds ${bytes.length} bytes, too few for its header.`);
  }
  const start = HEADER_BYTES + bytes[HEADER_BYTES - 1];
  const id = new TextDecoder().decode(bytes.subarray(HEADER_BYTES, start));
  const model = models.find((each) => each.id === id);
  if (!model)
    throw new SurprisalError("unknown-model", `The state token is of a model that this server does not have.`);
  const digest = bytes.subarray(VERSION_AT, VERSION_AT + VERSION_BYTES);
  const version = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (version !== model.version) {
    throw new SurprisalError(
      "stale-state",
      `The state token is of version ${taggedVersion(version)} of ${id}, which is now ${taggedVersion(model.version)}; send the whole sequence again.`,
    );
  }
  const view = new DataView(bytes.buffer);
  const shift = view.getInt8(1);
  if (Math.abs(shift) > LARGEST_SHIFT) throw malformed(`it has a shift of ${shift}; wanted at most ${LARGEST_SHIFT}.`);
  const framesPerQuarter = view.getFloat64(2, true);
  const { least, most } = FRAMES_PER_QUARTER;
  if (!(framesPerQuarter >= least && framesPerQuarter <= most)) {
    throw malformed(`it has ${framesPerQuarter} frames per quarter note; wanted ${least} to ${most}.`);
  }
  return { model, shift, framesPerQuarter, state: readState(model, view, start) };
}

function readState({ id, stateLimits }: Model, view: DataView, start: number): Float32Array {
  const size = stateLimits.length;
  const found = view.byteLength - start;
  if (found !== 4 * size) throw malformed(`it holds ${found} bytes of state; wanted ${4 * size} for ${id}.`);
  const state = Float32Array.from({ length: size }, (_, k) => view.getFloat32(start + 4 * k, true));
  state.forEach((value, k) => {
    const largest = stateLimits[k];
    if (!(Math.abs(value) <= largest)) throw malformed(`number ${k} is ${value}; wanted at most ${largest} in size.`);
  });
  return state;
}

const malformed = (reason: string) =>
  new SurprisalError("malformed-state", `The state token cannot be read: ${reason}`);

const toBase64Url = (bytes: Uint8Array) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const unreadable = () => malformed("it is not base64url.");
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
