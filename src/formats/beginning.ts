/** Bytes that are of no known format -> how they begin, in words for a sentence. */

const SHOWN = 8;

/** Such as `they begin with "hello"`, or `they begin with the bytes ff d8 ff e0`. */
export function describeBeginning(bytes: Uint8Array): string {
  if (bytes.length === 0) return "there are none";
  const start = bytes.subarray(0, SHOWN);
  const text = String.fromCharCode(...start);
  if (/^[ -~]+$/.test(text)) return `they begin with ${JSON.stringify(text)}`;
  return `they begin with the bytes ${Array.from(start, (byte) => byte.toString(16).padStart(2, "0")).join(" ")}`;
}
