/** The first bytes of a file that nothing here reads -> words for an error: how it begins. */

const SHOWN = 24;

/** A noun phrase, such as `170 bytes that begin "MTrk"`; what is no text is shown in hexadecimal. */
export function describeBeginning(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file";
  const start = bytes.subarray(0, SHOWN);
  const text = String.fromCharCode(...start).replace(/\s+/g, " ");
  const hex = Array.from(start.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `${bytes.length} bytes that begin ${/^[ -~]+$/.test(text) ? JSON.stringify(text) : hex}`;
}
