/**
 * The peer of start.ts: a process that loads TensorFlow.js on WASM and the networks of models/, and prints the NLL of a MIDI
 * file under each of the ids given.
 *
 *   node tfjs-start.js MODELS FILE ID…
 */
import { readFile } from "node:fs/promises";
import { parseMidi, quantize } from "../../src/formats/midi.ts";
import { clipRoll } from "../../src/formats/piano-roll.ts";
import { readCheckpoint } from "../../src/model/checkpoint.ts";
import { engineOf } from "../../src/training/backends.ts";
import { stepCount, tbpttChunks } from "../../src/training/batches.ts";

const [, , models, file, ...ids] = process.argv;
const module = await WebAssembly.compile(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])); // empty: it has a kernel of its own
const create = (await engineOf("tfjs-wasm"))(module);
const notes = parseMidi(await readFile(file));
for (const id of ids) {
  const { config, tensors, metadata } = readCheckpoint(await readFile(`${models}/${id}.safetensors`));
  const { roll } = clipRoll(quantize(notes, Number(metadata.framesPerQuarter)).roll, config.inputs);
  const steps = stepCount(roll);
  const engine = create(config, { rows: steps, sequences: 1 });
  engine.load(tensors);
  for (const part of tbpttChunks([roll], steps)) console.log(id, (await engine.nll(part)) / steps);
}
