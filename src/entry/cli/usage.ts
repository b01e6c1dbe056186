/** Every command with its options: what the arguments are read by, and what the help is written from. */
import { DEFAULT_LIMITS, MAX_FRAMES } from "../../limits.ts";
import { optionNameOf, SETTING_NAMES, settingOptions } from "./training-settings.ts";

export interface Option {
  readonly type: "string" | "boolean";
  readonly value?: string; // its name in the help
  readonly about: string;
}

export interface Usage {
  readonly synopsis: string;
  readonly about: string;
  readonly options: Readonly<Record<string, Option>>;
  readonly more?: () => string;
  readonly example: string;
}

const text = (value: string, about: string): Option => ({ type: "string", value, about });
const flag = (about: string): Option => ({ type: "boolean", about });

const json = { json: flag("JSON instead of a table, one line for each file, failed ones included") };

const input = {
  models: text("LIST", "ids or patterns such as jsb/gru or 'jsb/*' (default: those recommended; '*/*' for all)"),
  transpose: text("N|auto", "music: semitones, or auto: into the key of each set (default: auto for MIDI files)"),
  channels: text("LIST", "music: MIDI channels 1 to 16 (default: all but 10, the drums)"),
  tracks: text("LIST", "music: MIDI tracks, counted from 1 (default: all)"),
  programs: text("LIST", "music: General MIDI programs 1 to 128 (default: all)"),
  pedal: flag("music: the sustain pedal lengthens notes"),
  adaptive: flag("music: the models learn from the piece while they read it"),
  "frames-per-quarter": text("N", "music: instead of the model's own frame rate"),
};

const thousands = (count: number) => count.toLocaleString("en"); // Node takes 30 ms for its first, so only help does it

const files =
  () => `FILE is a MIDI file or audio (WAV, AIFF, FLAC, MP3, Ogg, or Opus in WebM or MP4), or - for standard input. Music may have up to
${thousands(MAX_FRAMES)} frames here, ${thousands(DEFAULT_LIMITS.frames)} over HTTP; audio may last an hour here, ${DEFAULT_LIMITS.seconds / 60} minutes over HTTP.`;

export const COMMANDS = {
  score: {
    synopsis: "surprisal score FILE|FOLDER|PATTERN…",
    about: "Negative log-likelihood of MIDI or audio files under each model.",
    options: {
      ...input,
      compare: flag("music: how far each model falls behind the best, with a 95% interval"),
      out: text(
        "FILE",
        "writes a table, .csv, .jsonl or .parquet, with all cores; the same command goes on where one was stopped",
      ),
      detail: text("notes", "with --out, music: a row for each note and model"),
      threads: text("N", "with --out: instead of one for each core"),
      ...json,
    },
    more: () => `${files()}

A folder stands for all such files below it, and a pattern in quotes, such as 'corpus/**/*.mid', for what it matches.
Standard input is one file, or a list of files, one a line: what begins as MIDI or audio is the file itself.`,
    example: "surprisal score corpus --out scores.csv --models 'jsb/*'",
  },
  predict: {
    synopsis: "surprisal predict FILE",
    about: "What comes next; with --steps a sampled continuation.",
    options: {
      ...input,
      steps: text("N", "frames, or blocks of ten audio samples, to sample"),
      temperature: text("T", "below 1 more cautious, above 1 wilder (default 1)"),
      seed: text("S", "same seed, same continuation (default 0)"),
      out: text("FILE", "writes the continuation as a MIDI or WAV file"),
      ...json,
    },
    more: files,
    example: "surprisal predict song.mid --models jsb/gru --steps 32 --out next.mid",
  },
  serve: {
    synopsis: "surprisal serve",
    about: "The HTTP API, and a page for a browser.",
    options: {
      port: text("N", "default: PORT or 8787"),
      host: text("NAME", "default: HOST or 127.0.0.1"),
      limits: flag("prints the limits in force and the variables that set them, and stops"),
    },
    example: "surprisal serve --port 8080",
  },
  models: {
    synopsis: "surprisal models",
    about: "The models at hand.",
    options: { json: flag("JSON instead of a table") },
    example: "SURPRISAL_MODELS=s3://bucket/prefix surprisal models",
  },
  export: {
    synopsis: "surprisal export MODEL",
    about: "A model as a file that ONNX runtimes read.",
    options: {
      format: text("NAME", "onnx (default)"),
      out: text("FILE", "default: <set>-<model>.onnx"),
    },
    example: "surprisal export jsb/gru --format onnx --out gru.onnx",
  },
  train: {
    synopsis: "surprisal train FOLDER",
    about: "A model of your own MIDI files, or of recordings.",
    options: {
      name: text("NAME", "of the set, such as my-set: the model is my-set/gru"),
      cell: text("NAME", "gru (default), lstm or tanh"),
      preset: text("NAME", "music: paper (default), large, nade, nade-large, distilled or transposed"),
      from: text("MODEL", "goes on from a model, such as jsb/gru-nade"),
      out: text("FOLDER", "where the model goes (default: trained)"),
      "frames-per-quarter": text("N", "music: default: the fewest that nearly all notes are in"),
      key: text("auto|none", "music: auto (default) moves each piece into C major or C minor"),
      folds: text("K", "K-fold cross-validation in place of one model"),
      csv: text("FILE", "of --folds: the pieces' scores (default: <out>/<set>/<model>-folds.csv)"),
      "split-seed": text("S", "of the split into training, validation and test pieces (default 1)"),
      engine: text("NAME", "kernel (default), or tfjs-webgpu, tfjs-node-gpu, tfjs-node, tfjs-wasm"),
      ...settingOptions(SETTING_NAMES, optionNameOf),
    },
    more: () => `FOLDER holds MIDI files or audio, in folders of any depth; with the folders train, valid and test at its top that is the
split. Stopped at any moment, the same command goes on. The settings, from --optimizer on, are those of the preset unless
given. SURPRISAL_MODELS=trained surprisal serve serves what was trained.`,
    example: "surprisal train my-corpus --name my-set --cell gru",
  },
} satisfies Record<string, Usage>;

export type CommandName = keyof typeof COMMANDS;
export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];
