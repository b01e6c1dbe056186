/**
 * Pieces to begin with. scripts/samples.ts writes the MIDI files, of music in the public domain; the sentence is spoken by
 * espeak-ng -v en-us -s 150, at 8 kHz.
 */
import { Fault } from "./api.ts";

interface Sample {
  readonly id: string;
  readonly title: string;
  readonly name: string;
  readonly file: string;
  readonly model: string; // that knows it best among the shipped ones: its notes are shown while the others are asked
}

export const SAMPLES: readonly Sample[] = [
  {
    id: "chorale",
    title: "A chorale",
    name: "Old Hundredth, a psalm tune of 1551 in four voices",
    file: "old-hundredth.mid",
    model: "jsb/lstm-nade",
  },
  {
    id: "tune",
    title: "A folk tune",
    name: "Auld Lang Syne",
    file: "auld-lang-syne.mid",
    model: "nottingham/mixture-nade",
  },
  {
    id: "wrong-note",
    title: "The tune with a wrong note",
    name: "Auld Lang Syne with a wrong note in bar 7",
    file: "auld-lang-syne-wrong-note.mid",
    model: "nottingham/mixture-nade",
  },
  {
    id: "speech",
    title: "A spoken sentence",
    name: "A sentence spoken by a machine",
    file: "sentence.wav",
    model: "speech-short/gru",
  },
];

/** Names on the page of the files that are examples. */
const titles = new WeakMap<File, string>();

/** What a file is called on the page. */
export const titleOf = (file: File): string => titles.get(file) ?? file.name;

export const isSample = (file: File): boolean => titles.has(file);

export async function sampleFile({ file, name }: Sample, signal: AbortSignal): Promise<File> {
  try {
    const response = await fetch(`samples/${file}`, { signal });
    if (!response.ok) throw new Error(response.statusText);
    const type = file.endsWith(".mid") ? "audio/midi" : "audio/wav";
    const sample = new File([await response.blob()], file, { type });
    titles.set(sample, name);
    return sample;
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Fault("The example cannot be fetched. A file of yours may still work.");
  }
}
