/** What is to be scored -> the body of a request, or the line of a batch. */

/** A MIDI or audio file; the name of a `File` comes back in the answer. */
export type Bytes = Blob | ArrayBuffer | Uint8Array;

/** A piano roll: frames at the models' frame rate, each the MIDI pitches (1 to 127) that sound in it. */
export type Roll = readonly (readonly number[])[];

/** Mono samples, full scale = 1, and their rate in Hz. They travel as JSON: beyond some seconds send a WAV file. */
export interface Audio {
  readonly samples: ArrayLike<number>;
  readonly sampleRate: number;
}

export type Input = Bytes | Roll | Audio;

/** Options as they stand in a JSON body. */
export type Fields = Readonly<Record<string, unknown>>;

export interface RequestInput {
  readonly body: string | FormData;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A file becomes a form, which has its name and leaves its bytes as they are; everything else JSON. */
export function requestOf(input: Input, options: Fields): RequestInput {
  if (!isBytes(input)) {
    return {
      body: JSON.stringify({ ...contentOf(input), ...options }),
      headers: { "Content-Type": "application/json" },
    };
  }
  const body = new FormData();
  if (input instanceof File) body.append("file", input);
  else body.append("file", new Blob([input instanceof Blob ? input : new Uint8Array(input)]), ""); // without a name
  for (const [name, value] of Object.entries(options)) if (value !== undefined) body.append(name, String(value));
  return { body };
}

/** The line of a batch, without its end. */
export async function lineOf(input: Input, options: Fields): Promise<string> {
  if (!isBytes(input)) return JSON.stringify({ ...contentOf(input), ...options });
  const bytes = new Uint8Array(input instanceof Blob ? await input.arrayBuffer() : input);
  return JSON.stringify({ [isMidi(bytes) ? "midi" : "audio"]: base64(bytes), ...options });
}

/** Options in the query. */
export function queryOf(options: Fields): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return given.length === 0 ? "" : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

const isBytes = (input: Input): input is Bytes =>
  input instanceof Uint8Array || input instanceof ArrayBuffer || input instanceof Blob;

const contentOf = (input: Roll | Audio): Fields =>
  "samples" in input ? { samples: Array.from(input.samples), sampleRate: input.sampleRate } : { pianoRoll: input };

/** MThd, alone or in a RIFF container. The server looks closer; this only chooses the field. */
function isMidi(bytes: Uint8Array): boolean {
  const tag = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  return tag(0) === "MThd" || (tag(0) === "RIFF" && tag(8) === "RMID");
}

/** Bytes whose characters fit the arguments of one call; a multiple of three, so that parts can be joined. */
const PART = 3 * 2 ** 12;

function base64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += PART) {
    parts.push(btoa(String.fromCharCode(...bytes.subarray(at, at + PART))));
  }
  return parts.join("");
}
