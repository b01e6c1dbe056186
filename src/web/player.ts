/**
 * Plays a piece or a recording: play, pause, seek, tempo, loop. Notes are made by two oscillators each: sampled instruments
 * would take megabytes, and a library for scheduling more than the rest of the page.
 */
import type { Sound } from "./piece.ts";

/** What can be played. */
export interface Playable {
  readonly duration: number; // seconds
  /**
   * Sounds all that begins in a span.
   * @returns what to stop when it is paused
   */
  schedule(out: AudioNode, span: Span): AudioScheduledSourceNode[];
}

/** A part of a piece that is next to sound; positions are in seconds of the piece. */
interface Span {
  readonly context: BaseAudioContext;
  readonly from: number;
  readonly to: number;
  readonly isFirst: boolean; // after play or seek
  readonly rate: number;
  when(position: number): number; // by the time of the context
}

const AHEAD = 0.3; // seconds
const EVERY_MS = 100;

export class Player {
  readonly onChange: () => void;
  #context: AudioContext | undefined;
  #out: AudioNode | undefined;
  #playable: Playable = { duration: 0, schedule: () => [] };
  #sounding = new Set<AudioScheduledSourceNode>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #position = 0; // when last started or stopped
  #startedAt = 0; // of the context
  #scheduled = 0; // position up to which all is scheduled
  #rate = 1;
  isLooping = false;

  constructor(onChange: () => void) {
    this.onChange = onChange;
  }

  get isPlaying(): boolean {
    return this.#timer !== undefined;
  }

  /** Seconds of the piece. */
  get position(): number {
    if (!this.isPlaying || !this.#context) return this.#position;
    const elapsed = Math.max(0, this.#context.currentTime - this.#startedAt) * this.#rate;
    return Math.min(this.#position + elapsed, this.#playable.duration);
  }

  get rate(): number {
    return this.#rate;
  }

  load(playable: Playable): void {
    this.pause();
    this.#playable = playable;
    this.#position = 0;
    this.onChange();
  }

  /** The same piece with more in it, such as a continuation. */
  extend(playable: Playable): void {
    this.#playable = playable;
  }

  play(): void {
    if (this.isPlaying) return;
    this.#context ??= new AudioContext();
    this.#out ??= outputOf(this.#context);
    void this.#context.resume();
    if (this.#position >= this.#playable.duration - 0.01) this.#position = 0;
    this.#startedAt = this.#context.currentTime + 0.05;
    this.#scheduled = this.#position;
    this.#timer = setInterval(() => this.#pump(), EVERY_MS);
    this.#pump();
    this.onChange();
  }

  pause(): void {
    if (!this.isPlaying) return;
    this.#position = this.position;
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const node of this.#sounding) node.stop();
    this.#sounding.clear();
    this.onChange();
  }

  toggle(): void {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  seek(position: number): void {
    const wasPlaying = this.isPlaying;
    this.pause();
    this.#position = Math.min(Math.max(0, position), this.#playable.duration);
    if (wasPlaying) this.play();
    this.onChange();
  }

  setRate(rate: number): void {
    const wasPlaying = this.isPlaying;
    this.pause();
    this.#rate = rate;
    if (wasPlaying) this.play();
    this.onChange();
  }

  #pump(): void {
    if (!this.#context || !this.#out) return;
    if (this.position >= this.#playable.duration) {
      this.pause();
      if (this.isLooping) this.play();
      return;
    }
    const to = this.position + AHEAD * this.#rate;
    const when = (at: number) => this.#startedAt + (at - this.#position) / this.#rate;
    const isFirst = this.#scheduled === this.#position;
    const span = { context: this.#context, from: this.#scheduled, to, isFirst, rate: this.#rate, when };
    const nodes = this.#playable.schedule(this.#out, span);
    this.#scheduled = Math.max(this.#scheduled, to);
    for (const node of nodes) {
      this.#sounding.add(node);
      node.onended = () => this.#sounding.delete(node);
    }
  }
}

/** Where all that sounds goes: many notes at once do not clip. */
function outputOf(context: BaseAudioContext): AudioNode {
  const compressor = new DynamicsCompressorNode(context, { threshold: -18 });
  compressor.connect(context.destination);
  return compressor;
}

const RATE = 44_100; // Hz
const RELEASE = 0.3; // seconds that the last note fades

/** What playing all of it sounds like, mono. */
export async function soundOf(playable: Playable) {
  const context = new OfflineAudioContext(1, Math.ceil((playable.duration + RELEASE) * RATE), RATE);
  const when = (position: number) => position;
  playable.schedule(outputOf(context), { context, from: 0, to: playable.duration, isFirst: true, rate: 1, when });
  return { samples: (await context.startRendering()).getChannelData(0), sampleRate: RATE };
}

/** @param sounds by onset */
export function notesToPlay(sounds: readonly Sound[]): Playable {
  const duration = sounds.reduce((end, { seconds, lasts }) => Math.max(end, seconds + lasts), 0);
  return {
    duration,
    schedule: (out, { context, from, to, when, rate }) =>
      sounds
        .filter(({ seconds }) => seconds >= from && seconds < to)
        .flatMap(({ pitch, seconds, lasts }) => strike(context, out, pitch, when(seconds), lasts / rate)),
  };
}

function strike(context: BaseAudioContext, out: AudioNode, pitch: number, at: number, lasts: number) {
  const start = Math.max(at, context.currentTime);
  const end = start + Math.max(0.08, lasts);
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(0.16, start + 0.008);
  gain.gain.exponentialRampToValueAtTime(0.05, start + 0.5);
  gain.gain.setTargetAtTime(0, end - 0.03, 0.04);
  gain.connect(out);
  const frequency = 440 * 2 ** ((pitch - 69) / 12);
  return (["triangle", "sine"] as const).map((type, k) => {
    const node = new OscillatorNode(context, { type, frequency: frequency * (k + 1) });
    node.connect(k === 0 ? gain : quieter(context, gain));
    node.start(start);
    node.stop(end + 0.25);
    return node;
  });
}

function quieter(context: BaseAudioContext, out: AudioNode): AudioNode {
  const node = new GainNode(context, { gain: 0.3 });
  node.connect(out);
  return node;
}

/** One node plays all that follows, so it is scheduled once. */
export const recordingToPlay = (buffer: AudioBuffer): Playable => ({
  duration: buffer.duration,
  schedule(out, { context, from, isFirst, rate, when }) {
    if (!isFirst) return [];
    const node = new AudioBufferSourceNode(context, { buffer, playbackRate: rate });
    node.connect(out);
    node.start(Math.max(when(from), context.currentTime), from);
    return [node];
  },
});
