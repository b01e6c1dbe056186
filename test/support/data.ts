/** The data sets in tests: used where `npm run data` has brought them, demanded under CI. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { MUSIC_FILES, MUSIC_FOLDER, type MusicSetName } from "../../src/training/datasets.ts";

/**
 * Whether a test can read the set; for `describe.skipIf(!hasMusicSet("jsb"))`.
 * @throws Error under CI when the set is absent.
 */
export function hasMusicSet(name: MusicSetName): boolean {
  const path = join(MUSIC_FOLDER, MUSIC_FILES[name].file);
  if (existsSync(path)) return true;
  const sentence = `${path} is not there: \`npm run data\` brings it`;
  if (process.env.CI) throw new Error(`${sentence}, and under CI no test may be left out for want of it.`);
  console.warn(`${sentence} and so enables the tests that read it.`);
  return false;
}
