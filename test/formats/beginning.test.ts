import { expect, test } from "vitest";
import { describeBeginning } from "../../src/formats/beginning.ts";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

test.each([
  ["", "an empty file"],
  ["\n<!doctype HTML><p>", 'an HTML page that begins "<!doctype HTML><p>"'],
  ["PK\x03\x04\x14\0\0\0", "a zip archive (as .mxl and .mscz files are) that begins with the bytes 50 4b 03 04"],
  ["\x1f\x8b\x08", "a gzip archive that begins with the bytes 1f 8b 08"],
  ['<?xml version="1.0"?><score-partwise>', 'a MusicXML file that begins "<?xml version="1.0"?><sc"'],
  ['<?xml version="1.0"?><svg/>', "an XML file that begins"],
  ["X:1\nT:Tune\n", 'ABC notation that begins "X:1 T:Tune"'],
  ["TVRoZAAAAAYAAQ==", 'base64, text that stands for the bytes of a file, that begins "TVRoZAAAAAYAAQ=="'],
  ["SMF2CLIP\0\0", "a MIDI 2.0 clip that begins"],
  ["version https://git-lfs.github.com/spec/v1", "a git-lfs pointer, not the file that it stands for, that begins"],
  ["\xff\xfeh\0e\0y\0", 'text in UTF-16 that begins "hey"'],
  ["\xfe\xff\0h\0e\0y", 'text in UTF-16 that begins "hey"'],
  ["\xff\xfe<\0?\0x\0m\0l\0 \0", 'an XML file in UTF-16 that begins "<?xml"'],
  ["\xff\xfb\x90\x64", "MP3 audio that begins with the bytes ff fb 90 64"],
  ["\xff\xfd\x90\x04", "MPEG audio of layer II (MP2) that begins with the bytes ff fd 90 04"],
  ["\xff\xf1\x50\x80", "AAC audio that begins with the bytes ff f1 50 80"],
  [
    `\0\x03abc${"\0".repeat(123)}\x1f\x8b\x08`,
    "a gzip archive that begins with the bytes 1f 8b 08 after a MacBinary header",
  ],
  ["hello", '5 bytes that begin "hello"'],
  ["\x01\x02\x03", "3 bytes that begin with the bytes 01 02 03"],
])("a file that begins %j is described", (text, sentence) => {
  expect(describeBeginning(bytes(text))).toContain(sentence);
});
