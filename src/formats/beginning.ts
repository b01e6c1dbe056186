/** Bytes that are of no known format -> how they begin, in words for a sentence. */

const SHOWN = 8;

/** A noun phrase such as `5 bytes that begin "hello"` or `9 bytes that begin ff d8 ff e0 00 10 4a 46`. */
export function describeBeginning(bytes: Uint8Array): string {
  if (bytes.length === 0) return "0 bytes";
  const start = bytes.subarray(0, SHOWN);
  const text = String.fromCharCode(...start);
  const shown = /^[ -~]+$/.test(text)
    ? JSON.stringify(text)
    : Array.from(start, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `${bytes.length} bytes that begin ${shown}`;
}
