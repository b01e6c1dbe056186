/** Draws a piece onto a surface: keyboard, bars, notes by surprisal, and below on the same axis the NLL of each frame. */
import type { Surface } from "./chart.tsx";
import { colourOf, isDark } from "./colour.ts";
import type { Shown, Sound } from "./piece.ts";
import { isBlackKey, pitchName } from "./words.ts";

export const KEYBOARD = 44; // pixels
const TOP = 22; // of the bars' numbers
const CURVE = 84;
const GAP = 22;

export interface Lanes {
  readonly lowest: number; // MIDI pitch
  readonly highest: number;
}

/** The pitches that are shown: those that sound, and some above and below. */
export function lanesOf(sounds: readonly Sound[]): Lanes {
  let [lowest, highest] = [127, 0];
  for (const { pitch } of sounds) [lowest, highest] = [Math.min(lowest, pitch), Math.max(highest, pitch)];
  return { lowest: Math.max(0, lowest - 3), highest: Math.min(127, Math.max(highest, lowest + 12) + 3) };
}

const rollHeight = (height: number) => height - TOP - GAP - CURVE;

/** The pitch at a height, with fractions; undefined below the roll. */
export function pitchAt(y: number, height: number, { lowest, highest }: Lanes): number | undefined {
  const lane = rollHeight(height) / (highest - lowest + 1);
  const pitch = highest - Math.floor((y - TOP) / lane);
  return pitch < lowest || pitch > highest ? undefined : pitch;
}

export function drawPiece(
  surface: Surface,
  shown: Shown,
  ghosts: readonly Sound[],
  lanes: Lanes,
  rival: Shown | null, // whose curve is drawn over the other
  chosen: { readonly frame: number | null; readonly sound: Sound | null },
): void {
  const { context, width, height, left, x } = surface;
  const bottom = TOP + rollHeight(height);
  const lane = rollHeight(height) / (lanes.highest - lanes.lowest + 1);
  const y = (pitch: number) => TOP + (lanes.highest - pitch) * lane;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";

  drawLanes(surface, lanes, y, lane);
  context.save();
  context.beginPath();
  context.rect(left, 0, width - left, height);
  context.clip();
  drawBars(surface, shown, bottom);
  if (chosen.frame !== null) {
    const start = shown.startQuarters + chosen.frame / shown.framesPerQuarter;
    const [from, to] = [x(start), x(start + 1 / shown.framesPerQuarter)];
    context.fillStyle = surface.colour("chosen");
    context.fillRect(from, TOP, to - from, height - TOP);
  }
  drawSounds(surface, shown.sounds, y, lane, chosen.sound);
  drawGhosts(surface, ghosts, y, lane);
  drawCurve(surface, shown, rival, chosen.frame);
  context.restore();
  drawKeyboard(surface, lanes, y, lane);
}

function drawLanes(
  { context, width, left, colour }: Surface,
  lanes: Lanes,
  y: (pitch: number) => number,
  lane: number,
) {
  context.fillStyle = colour("lane");
  for (let pitch = lanes.lowest; pitch <= lanes.highest; pitch++) {
    if (isBlackKey(pitch)) context.fillRect(left, y(pitch), width - left, lane);
  }
}

function drawBars({ context, height, view, x, colour }: Surface, { bars }: Shown, bottom: number) {
  const shownBars = bars.map((at, k) => ({ at, k })).filter(({ at }) => at >= view.from - 8 && at <= view.to);
  const apart = shownBars.length > 1 ? x(shownBars[1].at) - x(shownBars[0].at) : 100;
  const every = [1, 2, 4, 8, 16, 32, 64, 128, 256].find((n) => n * apart >= 34) ?? 512;
  for (const { at, k } of shownBars) {
    if (k % every !== 0 && apart < 6) continue;
    context.fillStyle = colour("line");
    context.fillRect(Math.round(x(at)), TOP - 6, 1, bottom - TOP + 6);
    context.fillRect(Math.round(x(at)), height - CURVE, 1, CURVE);
    if (k % every !== 0) continue;
    context.fillStyle = colour("faint");
    context.textAlign = "left";
    context.fillText(String(k + 1), x(at) + 4, TOP / 2);
  }
}

function drawSounds(
  { context, view, x, colour }: Surface,
  sounds: readonly Sound[],
  y: (pitch: number) => number,
  lane: number,
  chosen: Sound | null,
) {
  const dark = isDark();
  const inset = lane > 5 ? 0.75 : 0;
  for (const sound of sounds) {
    if (sound.start > view.to || sound.start + sound.length < view.from) continue;
    const [from, to] = [x(sound.start), x(sound.start + sound.length)];
    const box = [
      from + 0.5,
      y(sound.pitch) + inset,
      Math.max(2, to - from - 1),
      Math.max(2, lane - 2 * inset),
    ] as const;
    context.beginPath();
    if (lane > 5) context.roundRect(...box, Math.min(3, lane / 3));
    else context.rect(...box);
    if (sound.surprisal === null) {
      context.fillStyle = colour("unscored");
      context.fill();
      context.strokeStyle = colour("faint");
      context.setLineDash([2, 2]);
      context.lineWidth = 1;
      context.stroke();
      context.setLineDash([]);
    } else {
      context.fillStyle = colourOf(sound.surprisal, dark);
      context.fill();
    }
    if (sound !== chosen) continue;
    context.strokeStyle = colour("ink");
    context.lineWidth = 2;
    context.stroke();
  }
}

function drawGhosts(
  { context, view, x, colour }: Surface,
  ghosts: readonly Sound[],
  y: (pitch: number) => number,
  lane: number,
) {
  context.fillStyle = colour("ghost");
  context.strokeStyle = colour("accent");
  context.lineWidth = 1;
  for (const { pitch, start, length } of ghosts) {
    if (start > view.to || start + length < view.from) continue;
    context.beginPath();
    context.roundRect(
      x(start) + 0.5,
      y(pitch) + 0.75,
      Math.max(2, x(start + length) - x(start) - 1),
      Math.max(2, lane - 1.5),
      3,
    );
    context.fill();
    context.stroke();
  }
}

/** Bars of NLL, and those of another model as a line of steps. */
function drawCurve(
  { context, width, height, left, view, x, colour }: Surface,
  { curve }: Shown,
  rival: Shown | null,
  chosen: number | null,
) {
  const most = [...curve, ...(rival?.curve ?? [])].reduce((most, { value }) => Math.max(most, value), 1);
  const base = height - 1;
  const top = (value: number) => base - (Math.max(0, value) / most) * (CURVE - 14);
  const isSeen = ({ start, length }: Shown["curve"][number]) => start <= view.to && start + length >= view.from;
  context.fillStyle = colour("line");
  context.fillRect(left, base, width - left, 1);
  curve.forEach((frame, i) => {
    if (!isSeen(frame)) return;
    const [from, to, y] = [x(frame.start), x(frame.start + frame.length), top(frame.value)];
    context.fillStyle = colour(chosen === i + 1 ? "accent" : "curve");
    context.fillRect(from, y, Math.max(1, to - from - (to - from > 4 ? 1 : 0)), base - y);
  });
  context.fillStyle = colour("rival");
  let before = base;
  for (const frame of rival?.curve.filter(isSeen) ?? []) {
    const [from, to, y] = [x(frame.start), x(frame.start + frame.length), top(frame.value)];
    context.fillRect(from - 1, Math.min(before, y), 2, Math.abs(before - y) + 2);
    context.fillRect(from, y, to - from, 2);
    before = y;
  }
  context.fillStyle = colour("faint");
  context.textAlign = "left";
  const whose = rival ? `line: ${rival.model} · ` : "surprise of each frame, ";
  context.fillText(`${whose}up to ${most.toFixed(1)} nats`, left + 6, height - CURVE - 6);
}

function drawKeyboard({ context, height, colour }: Surface, lanes: Lanes, y: (pitch: number) => number, lane: number) {
  context.fillStyle = colour("paper");
  context.fillRect(0, 0, KEYBOARD - 1, height);
  for (let pitch = lanes.lowest; pitch <= lanes.highest; pitch++) {
    context.fillStyle = colour(isBlackKey(pitch) ? "black-key" : "white-key");
    context.fillRect(KEYBOARD - 16, y(pitch), 15, Math.max(1, lane - 0.5));
    if (pitch % 12 !== 0) continue;
    context.fillStyle = colour("faint");
    context.textAlign = "right";
    context.fillText(pitchName(pitch), KEYBOARD - 20, y(pitch) + lane / 2);
  }
}

/** A waveform, and below it the NLL of each step, the mean over each pixel. */
export function drawRecording(
  { context, width, height, left, view, x, colour }: Surface,
  samples: Float32Array | null,
  sampleRate: number,
  perStep: readonly number[], // bits a sample
  secondsPerStep: number,
): void {
  const [middle, half] = [TOP + (height - TOP - GAP - CURVE) / 2, (height - TOP - GAP - CURVE) / 2];
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.fillStyle = colour("wave");
  const timeAt = (column: number) => view.from + ((column - left) / (width - left)) * (view.to - view.from);
  for (let column = left; samples && column < width; column++) {
    const [from, to] = [timeAt(column), timeAt(column + 1)].map((time) => Math.floor(time * sampleRate));
    let most = 0;
    const stride = Math.max(1, Math.floor((to - from) / 200));
    for (let i = from; i < Math.max(to, from + 1); i += stride) most = Math.max(most, Math.abs(samples[i] ?? 0));
    context.fillRect(column, middle - most * half, 1, Math.max(1, 2 * most * half));
  }
  // From the 1st to the 99th percentile: a single click would else press all that is spoken into one colour.
  const sorted = Float64Array.from(perStep).sort();
  const [least, most] = [0.01, 0.99].map((share) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  const dark = isDark();
  const base = height - 1;
  for (let column = left; column < width; column++) {
    const from = Math.max(0, Math.floor(timeAt(column) / secondsPerStep));
    const to = Math.max(from + 1, Math.floor(timeAt(column + 1) / secondsPerStep));
    let [sum, count] = [0, 0];
    for (let i = from; i < Math.min(to, perStep.length); i++) [sum, count] = [sum + perStep[i], count + 1];
    if (count === 0) continue;
    const share = Math.min(1, Math.max(0.01, (sum / count - least) / (most - least || 1)));
    context.fillStyle = colourOf(5 * share, dark);
    context.fillRect(column, base - share * (CURVE - 14), 1, share * (CURVE - 14));
  }
  context.fillStyle = colour("faint");
  context.textAlign = "left";
  context.fillText(`surprise, ${least.toFixed(1)} to ${most.toFixed(1)} bits a sample`, left + 6, height - CURVE - 6);
  const every = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120].find((seconds) => x(view.from + seconds) - left > 50) ?? 300;
  for (let at = Math.ceil(view.from / every) * every; at < view.to; at += every) {
    context.fillText(`${Number(at.toFixed(1))} s`, x(at) + 3, TOP / 2);
    context.fillRect(x(at), TOP - 6, 1, 6);
  }
}
