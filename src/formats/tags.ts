/** Titles, artists and covers that players put before and after the sound of files of any format. */

const textOf = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));

/** The bytes without ID3v2 tags in front, zeros that some recorders write there, and ID3v1 and APE tags after. */
export function withoutTags(file: Uint8Array): Uint8Array {
  let bytes = file;
  for (let length = id3v2Bytes(bytes); length > 0; length = id3v2Bytes(bytes)) bytes = bytes.subarray(length);
  const first = bytes.findIndex((byte) => byte !== 0);
  // The first word of an MP4 file is the size of its first box.
  if (first >= 4 || bytes[first] === 0xff) bytes = bytes.subarray(first);
  if (/^(fLaC|OggS|\xff)/.test(textOf(bytes, 0, 4))) {
    for (let length = tailBytes(bytes); length > 0; length = tailBytes(bytes)) bytes = bytes.subarray(0, -length);
  }
  return bytes;
}

/** Its size has seven bits to the byte (id3.org, ID3v2.4.0, section 3.1); a footer takes ten bytes more. */
function id3v2Bytes(bytes: Uint8Array): number {
  if (textOf(bytes, 0, 3) !== "ID3" || bytes.length < 10) return 0;
  const size = bytes.subarray(6, 10).reduce((sum, byte) => sum * 128 + (byte & 127), 0);
  return Math.min(bytes.length, 10 + size + (bytes[5] & 0x10 ? 10 : 0));
}

function tailBytes(bytes: Uint8Array): number {
  const { length } = bytes;
  if (length > 128 && textOf(bytes, length - 128, length - 125) === "TAG") return 128;
  if (length > 32 && textOf(bytes, length - 32, length - 24) === "APETAGEX") {
    const view = new DataView(bytes.buffer, bytes.byteOffset + length - 32, 32);
    const size = view.getUint32(12, true) + (view.getUint32(20, true) & 0x8000_0000 ? 32 : 0); // with a header
    return size < length ? size : 0;
  }
  return 0;
}
