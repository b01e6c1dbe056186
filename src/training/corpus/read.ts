/** A folder of someone's own MIDI files, or recordings -> a corpus. What cannot be read is listed and passed over. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { expected, SurprisalError } from "../../errors.ts";
import { isAudio } from "../../formats/audio.ts";
import { isMidi } from "../../formats/midi.ts";
import { MAX_CORPUS_FILE_BYTES } from "../../limits.ts";
import { systemFault } from "../../util/system-fault.ts";
import { type MusicOptions, readMusic } from "./music.ts";
import { type CorpusFile, type Reading, readEach } from "./piece.ts";
import { readSpeech } from "./speech.ts";

export interface Corpus extends Reading {
  readonly name: string; // of the set
}

/**
 * Reads every file below a folder, in the order of their paths; hidden ones are left out.
 * @throws SurprisalError `missing-data` when the folder cannot be read or none of its files, `malformed-data` when there are both music and sound,
 * `malformed-request` for a frame rate out of range.
 */
export async function readCorpus(
  folder: string,
  { name, ...options }: MusicOptions & { readonly name: string },
): Promise<Corpus> {
  const files = (await filesBelow(folder)).map(
    (file): CorpusFile => ({ file, read: () => readFile(join(folder, file)) }),
  );
  const { read, unread } = await readEach(files, async (file) => ({ file, isMusic: await isMusic(folder, file) }));
  const [music, sound] = [true, false].map((kind) =>
    read.filter((each) => each.isMusic === kind).map(({ file }) => file),
  );
  if (music.length > 0 && sound.length > 0) {
    const found = `${music.length} of music and ${sound.length} of sound in ${folder}`;
    throw new SurprisalError("malformed-data", expected("files of one kind", found));
  }
  const reading = sound.length > 0 ? await readSpeech(sound) : await readMusic(music, options);
  const passedOver = [...unread, ...reading.unread].sort((a, b) => (a.file < b.file ? -1 : 1));
  if (reading.pieces.length === 0) {
    const [first] = passedOver;
    const reason = first ? ` ${first.file}: ${first.reason}` : "";
    throw new SurprisalError(
      "missing-data",
      `${expected(`MIDI or audio files that can be read in ${folder}`, `none of ${files.length}`)}${reason}`,
    );
  }
  return { name, ...reading, unread: passedOver };
}

/** Whether a file is music; if not, it is sound. @throws SurprisalError when it is neither, or too large to be read */
async function isMusic(folder: string, { file, read }: CorpusFile): Promise<boolean> {
  const { size } = await stat(join(folder, file));
  if (size > MAX_CORPUS_FILE_BYTES) {
    throw new SurprisalError("too-large", expected(`a file of at most ${MAX_CORPUS_FILE_BYTES} bytes`, size));
  }
  const bytes = await read();
  if (isMidi(bytes)) return true;
  if (isAudio(bytes)) return false;
  throw new SurprisalError("unsupported-media-type", expected("a MIDI or audio file", "another"));
}

/** Paths below a folder, sorted. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause) => {
    const fault = systemFault(cause);
    throw fault === undefined ? cause : new SurprisalError("missing-data", `${folder}: ${fault}`, { cause });
  });
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
    .filter((path) => !/(^|[\\/])\./.test(path))
    .sort();
}
