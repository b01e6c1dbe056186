/**
 * Writes the pieces that the page begins with, src/web/samples/*.mid. Both melodies are in the public domain: Old Hundredth
 * (Louis Bourgeois, 1551) and Auld Lang Syne (traditional); they are set here for these samples.
 *
 *   node scripts/samples.ts
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type MidiEvent, writeMidi } from "midi-file";

const FOLDER = new URL("../src/web/samples/", import.meta.url);
const TICKS = 480; // of a quarter note

/** A voice: notes as name and quarter notes, such as `G4:1.5`; the length is 1 unless given, and `-` is a rest. */
type Voice = string;

interface Piece {
  readonly tempo: number; // quarter notes a minute
  readonly upbeat: number; // quarter notes
  readonly voices: readonly Voice[]; // the highest first
}

const OLD_HUNDREDTH: Piece = {
  tempo: 84,
  upbeat: 1,
  voices: [
    `G4 G4 F#4 E4 D4 G4 A4 B4  B4 B4 B4 A4 G4 C5 B4 A4  G4 A4 B4 A4 G4 E4 F#4 G4  D5 B4 G4 A4 C5 B4 A4 G4:3`,
    `D4 D4 D4 B3 B3 D4 F#4 G4  G4 G4 G4 F#4 E4 E4 G4 F#4  D4 F#4 G4 F#4 E4 C4 D4 D4  G4 G4 E4 F#4 E4 G4 F#4 D4:3`,
    `B3 B3 A3 G3 F#3 B3 D4 D4  D4 D4 D4 D4 B3 C4 D4 D4  B3 D4 D4 D4 B3 A3 A3 B3  B3 D4 B3 D4 C4 D4 D4:0.5 C4:0.5 B3:3`,
    `G3 G3 D3 E3 B2 G2 D3 G2  G2 G3 G3:0.5 F#3:0.5 D3 E3 A2 B2 D3  G2 D3 G3 D3 E3 A2 D3 G2  G3 G3 E3 D3 A2 B2 D3 G2:3`,
  ],
};

const MELODY = `D4  G4:1.5 G4:0.5 G4 B4  A4:1.5 G4:0.5 A4 B4  G4:1.5 G4:0.5 B4 D5  E5:3 E5
  D5:1.5 B4:0.5 B4 G4  A4:1.5 G4:0.5 A4 B4  G4:1.5 E4:0.5 E4 D4  G4:3 E5
  D5:1.5 B4:0.5 B4 G4  A4:1.5 G4:0.5 A4 E5  D5:1.5 B4:0.5 B4 D5  E5:3 E5
  D5:1.5 B4:0.5 B4 G4  A4:1.5 G4:0.5 A4 B4  G4:1.5 E4:0.5 E4 D4  G4:3`;

/** Chords of four quarter notes each, in three voices. */
const CHORDS = ["G", "D7", "G", "C", "G", "D7", "C", "G", "G", "D7", "G", "C", "G", "D7", "C", "G"];
const TRIADS: Readonly<Record<string, readonly string[]>> = {
  G: ["D4", "B3", "G3"],
  C: ["G3", "E3", "C3"],
  D7: ["A3", "F#3", "D3"],
};

const auldLangSyne = (melody: string): Piece => ({
  tempo: 100,
  upbeat: 1,
  voices: [
    melody,
    ...[0, 1, 2].map(
      (voice) =>
        `-:1 ${CHORDS.map((chord, k) => `${TRIADS[chord][voice]}:${k === CHORDS.length - 1 ? 3 : 4}`).join(" ")}`,
    ),
  ],
});

const STEPS: Readonly<Record<string, number>> = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };

function pitchOf(name: string): number {
  const [, step, sharp, octave] = /^([A-G])(#?)(\d)$/.exec(name) ?? [];
  if (step === undefined) throw new Error(`${name} is no note.`);
  return 12 * (Number(octave) + 1) + STEPS[step] + sharp.length;
}

function track(voice: Voice, channel: number): MidiEvent[] {
  const events: MidiEvent[] = [];
  let rest = 0;
  for (const note of voice.trim().split(/\s+/)) {
    const [name, length = "1"] = note.split(":");
    const ticks = Number(length) * TICKS;
    if (name === "-") rest += ticks;
    else {
      const noteNumber = pitchOf(name);
      events.push({ deltaTime: rest, type: "noteOn", channel, noteNumber, velocity: 80 });
      events.push({ deltaTime: ticks, type: "noteOff", channel, noteNumber, velocity: 0 });
      rest = 0;
    }
  }
  return [...events, { deltaTime: 0, type: "endOfTrack" }];
}

function midi({ tempo, upbeat, voices }: Piece): Uint8Array {
  const signature = { type: "timeSignature", denominator: 4, metronome: 24, thirtyseconds: 8 } as const;
  const clock: MidiEvent[] = [
    { deltaTime: 0, type: "setTempo", microsecondsPerBeat: Math.round(60e6 / tempo) },
    { deltaTime: 0, ...signature, numerator: upbeat },
    { deltaTime: upbeat * TICKS, ...signature, numerator: 4 },
    { deltaTime: 0, type: "endOfTrack" },
  ];
  const tracks = [clock, ...voices.map(track)];
  return Uint8Array.from(writeMidi({ header: { format: 1, numTracks: tracks.length, ticksPerBeat: TICKS }, tracks }));
}

/** B flat for B at the end of a bar, in the second line. */
const wrong = MELODY.replace("A4:1.5 G4:0.5 A4 B4  G4:1.5 E4", "A4:1.5 G4:0.5 A4 A#4  G4:1.5 E4");

for (const [name, piece] of [
  ["old-hundredth", OLD_HUNDREDTH],
  ["auld-lang-syne", auldLangSyne(MELODY)],
  ["auld-lang-syne-wrong-note", auldLangSyne(wrong)],
] as const) {
  await writeFile(fileURLToPath(new URL(`${name}.mid`, FOLDER)), midi(piece));
}
