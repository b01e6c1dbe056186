/** A trained model of a corpus -> its model card, in Markdown. */
import type { Checkpoint } from "../../model/checkpoint.ts";
import type { SplitCounts } from "./set.ts";

export interface CardFacts {
  readonly id: string;
  readonly version: string; // sha256, hex
  readonly checkpoint: Checkpoint;
  readonly counts: SplitCounts;
  readonly notes: readonly string[]; // of the reading
  readonly unread: number; // files
  readonly baseline: number; // of a model without memory, nats per frame or step of the test pieces
  readonly command: string; // which makes it again
}

export function modelCard({ id, version, checkpoint, counts, notes, unread, baseline, command }: CardFacts): string {
  const { config, metadata } = checkpoint;
  const isMusic = config.mixture === undefined;
  const unit = isMusic ? "frame" : "step of ten samples";
  const nats = (value: string | number) => Number(value).toFixed(4);
  const settings = Object.entries(metadata)
    .filter(([name]) => !/^(valid|test|set$|dataSha256)/.test(name))
    .map(([name, value]) => `| ${name} | ${value} |`);
  return `# ${id}

A recurrent network (${config.cell}, ${config.units} units) that says how likely the next ${isMusic ? "frame of a piece" : "ten samples of a recording"} is, given all
before it. Made by

\`\`\`sh
${command}
\`\`\`

sha256 of the checkpoint: \`${version}\`; of the data: \`${metadata.dataSha256}\`.

## Data

| part | pieces | ${isMusic ? "" : "cuts | "}scored ${isMusic ? "frames" : "steps"} |
| --- | --- | --- |${isMusic ? "" : " --- |"}
${counts.rows.map(({ part, pieces, sequences, scored }) => `| ${part} | ${pieces} | ${isMusic ? "" : `${sequences} | `}${scored} |`).join("\n")}

- Pieces that equal another, kept on one side of the split: ${counts.duplicates}. Training knows of the others: ${counts.onTwoSides}.
- Files that could not be read: ${unread}.
${notes.map((note) => `- ${note}`).join("\n")}

## Results

| NLL in nats per ${unit} | micro | macro |
| --- | --- | --- |
| validation | ${nats(metadata.validMicro)} | ${nats(metadata.validMacro)} |
| test | ${nats(metadata.testMicro)} | ${nats(metadata.testMacro)} |
| test, ${isMusic ? "by a model that knows the frame before only" : "by linear prediction"} | ${nats(baseline)} | |

Micro is over all ${isMusic ? "frames" : "steps"}, macro the mean over ${isMusic ? "pieces" : "cuts"}. The epoch was chosen by the validation NLL; the test pieces chose nothing.

## Settings

| setting | value |
| --- | --- |
${settings.join("\n")}

## Limits

A low NLL means "like the pieces of this set", which is neither quality nor authorship. ${
    isMusic
      ? "Velocity, instruments and tempo are not seen; pitches above the highest of the set are unknown."
      : "Another voice, room or level is surprising for that alone."
  } On a small set the test NLL is uncertain: \`--folds\` says how much it differs from piece to piece.
`;
}
