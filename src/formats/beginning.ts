/** The first bytes of a file that nothing here reads -> words for an error: what the file is, and how it begins. */

/** Bytes that are looked at, and characters that are shown. */
const SEEN = 1024;
const SHOWN = 24;

/** Kinds of files that people send in place of music, by their first bytes in hexadecimal. */
const SIGNATURES: readonly (readonly [string, string])[] = [
  ["504b0304", "a zip archive (as .mxl and .mscz files are)"],
  ["1f8b", "a gzip archive"],
  ["fd377a585a", "an xz archive"],
  ["377abcaf", "a 7z archive"],
  ["89504e47", "a picture"],
  ["ffd8ff", "a picture"],
  ["4d55531a", "a MUS file of id Software"],
];

/** The same by how they begin as Latin-1. The first that fits counts. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/^BZh\d/, "a bzip2 archive"],
  [/^Rar!/, "a rar archive"],
  [/^SMF2CLIP/, "a MIDI 2.0 clip"],
  [/^version https:\/\/git-lfs/, "a git-lfs pointer, not the file that it stands for,"],
  [/^%PDF/, "a PDF"],
  [/^GIF8/, "a picture"],
  [/^(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)?<(!doctype html|html)/is, "an HTML page"],
  [/^(\xef\xbb\xbf)?\s*<.*?<!?[^>]*score-(partwise|timewise)|^\s*<score-(partwise|timewise)/is, "a MusicXML file"],
  [/^(\xef\xbb\xbf)?\s*<\?xml/i, "an XML file"],
  [/^(\xef\xbb\xbf)?\s*(%[^\n]*\n\s*)*X:\s*\d/, "ABC notation"],
  [/^(data:[^,]*,)?(TVRoZA|UklGR)/, "base64, text that stands for the bytes of a file,"],
  [/^(\xef\xbb\xbf)?\s*[{[]/, "JSON"],
  [/^(!!![^\n]*\n)*\*\*kern/, "a Humdrum file"],
  [/^(\xef\xbb\xbf)?\s*\\(version|header|score|relative)/, "a LilyPond file"],
  [/^.FICHIER GUITAR PRO/s, "a Guitar Pro file"],
  [/^RIFF....WAVE/s, "WAV audio"],
  [/^fLaC/, "FLAC audio"],
  [/^OggS/, "Ogg audio"],
  // An MPEG frame: eleven bits of sync, two of the version, two of the layer, one of the checksum.
  [/^ID3|^\xff[\xe2\xe3\xf2\xf3\xfa\xfb]/, "MP3 audio"],
  [/^\xff[\xf4\xf5\xfc\xfd]/, "MPEG audio of layer II (MP2)"],
  [/^\xff[\xf0\xf1\xf8\xf9]/, "AAC audio"],
  [/^....ftyp/s, "an MP4 or M4A file"],
  [/^FORM....XDIR/s, "an XMI file"],
  [/^MThd/, "a MIDI file"],
  [/^RIFF....RMID/s, "a MIDI file in a RIFF wrapper"],
];

/** Encodings of text whose every character has two bytes, by their byte order mark. */
const WIDE = [
  ["fffe", "utf-16le"],
  ["feff", "utf-16be"],
] as const;

/** The beginning of a file in UTF-16 as text, undefined of any other. */
function utf16(bytes: Uint8Array): string | undefined {
  const start = hex(bytes.subarray(0, 2));
  const encoding = WIDE.find(([mark]) => mark === start)?.[1];
  return encoding && new TextDecoder(encoding).decode(bytes.subarray(0, SEEN));
}

function kindOf(bytes: Uint8Array): string | undefined {
  const wide = utf16(bytes);
  if (wide !== undefined) return `${patternOf(wide) ?? "text"} in UTF-16`;
  const start = hex(bytes.subarray(0, 8));
  const [, kind] = SIGNATURES.find(([signature]) => start.startsWith(signature)) ?? [];
  return kind ?? patternOf(latin1(bytes.subarray(0, SEEN)));
}

const patternOf = (text: string): string | undefined => PATTERNS.find(([pattern]) => pattern.test(text))?.[1];

/** Bytes of a MacBinary header, which old Macintosh programs put before a file. */
export const MAC_BINARY_BYTES = 128;

/** Whether the file follows a MacBinary header: zeros where it has them, and a name. */
export function isMacBinary(bytes: Uint8Array): boolean {
  const nameLength = bytes[1];
  if (bytes.length <= MAC_BINARY_BYTES || bytes[0] + bytes[74] + bytes[82] > 0) return false;
  const name = bytes.subarray(2, 2 + nameLength);
  return nameLength > 0 && nameLength < 64 && name.every((byte) => byte >= 32);
}

/**
 * A noun phrase for an error sentence, such as `an HTML page that begins "<!DOCTYPE html>"` or `170 bytes that begin "MTrk"`.
 * Bytes that cannot be shown as text are shown as dots; where they are most, in hexadecimal.
 */
export function describeBeginning(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file";
  if (isMacBinary(bytes)) return `${describeBeginning(bytes.subarray(MAC_BINARY_BYTES))} after a MacBinary header`;
  const kind = kindOf(bytes);
  if (kind !== undefined) return `${kind} that begins ${show(bytes)}`;
  return bytes.length === 1 ? `1 byte, ${show(bytes)}` : `${bytes.length} bytes that begin ${show(bytes)}`;
}

/** Whether the file is of a kind that has a name here, whatever stands further on in it. */
export const isKnownBeginning = (bytes: Uint8Array): boolean => kindOf(bytes) !== undefined;

function show(bytes: Uint8Array): string {
  const text = (utf16(bytes)?.slice(0, SHOWN) ?? latin1(bytes.subarray(0, SHOWN)))
    .replace(/\s+/g, " ")
    .replace(/[^ -~]/g, ".");
  const readable = text.replace(/\./g, "").length * 2 > text.length;
  if (readable) return `"${text.trim()}"`;
  const pairs = Array.from(bytes.subarray(0, 8), (byte) => hex(Uint8Array.of(byte)));
  return `with the bytes ${pairs.join(" ")}`;
}

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
