/**
 * Pieces to begin with. scripts/samples.ts writes the MIDI files, of music in the public domain; the sentence is spoken by
 * espeak-ng -v en-us -s 150, at 8 kHz.
 */
import { Fault } from "./api.ts";

export const SAMPLES = [
  {
    id: "chorale",
    title: "A chorale",
    name: "Old Hundredth, a psalm tune of 1551 in four voices",
    file: "old-hundredth.mid",
  },
  { id: "tune", title: "A folk tune", name: "Auld Lang Syne", file: "auld-lang-syne.mid" },
  {
    id: "wrong-note",
    title: "The tune with a wrong note",
    name: "Auld Lang Syne with a wrong note in bar 7",
    file: "auld-lang-syne-wrong-note.mid",
  },
  { id: "speech", title: "A spoken sentence", name: "A sentence spoken by a machine", file: "sentence.wav" },
] as const;

/** What a file is called on the page. */
export const titleOf = (file: File, sample: string): string =>
  SAMPLES.find(({ id, file: name }) => id === sample && name === file.name)?.name ?? file.name;

export async function sampleFile(id: string, signal: AbortSignal): Promise<File> {
  const { file } = SAMPLES.find((sample) => sample.id === id) ?? SAMPLES[0];
  try {
    const response = await fetch(`samples/${file}`, { signal });
    if (!response.ok) throw new Error(response.statusText);
    const type = file.endsWith(".mid") ? "audio/midi" : "audio/wav";
    return new File([await response.blob()], file, { type });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Fault("The example cannot be fetched. A file of yours may still work.");
  }
}
