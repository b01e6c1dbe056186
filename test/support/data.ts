/** The data sets, for tests that read them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { MUSIC_FILES, MUSIC_FOLDER, type MusicSetName } from "../../src/training/datasets.ts";
import { requires } from "./requires.ts";

/**
 * Whether a test can read the set; for `describe.skipIf(!hasMusicSet("jsb"))`.
 * @throws Error as requires
 */
export function hasMusicSet(name: MusicSetName): boolean {
  const path = join(MUSIC_FOLDER, MUSIC_FILES[name].file);
  return requires(existsSync(path), `${path} is missing; \`npm run data\` downloads it`);
}
