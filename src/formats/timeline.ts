/**
 * Packets with the times that their container states -> which of them to decode, and what to keep of the result. Held against
 * the times, sound that is missing or stands twice shows before anything is decoded. All times are in samples of one channel.
 */

import { MAX_SAMPLES } from "../limits.ts";
import type { Gap } from "./waveform.ts";

/** Packets that end at a stated time, such as those of an Ogg page. */
export interface PacketGroup {
  readonly packets: readonly Uint8Array[];
  readonly durations: readonly number[]; // of each packet
  readonly end: number | undefined; // where it is stated
  readonly isAfterGap: boolean; // what came before it is not there, by the container's own numbers
  readonly isRepeated: boolean; // it was there before, and so holds no packets
  readonly isLast: boolean; // its end may be earlier than that of its packets, which are cut there
}

export interface Codec {
  readonly preSkip: number; // samples to drop, in which the decoder converges
  /** Whether a packet is heard only after another: a decoder that begins with it gives nothing for it, as in Vorbis. */
  readonly isOverlapped: boolean;
  readonly tolerance: number; // by which a stated time may be off without anything being missing
}

export interface Timeline {
  readonly runs: readonly (readonly Uint8Array[])[]; // packets that follow one another
  readonly skip: number; // samples at the beginning to drop
  readonly samples: number; // to keep after them
  readonly gaps: readonly Gap[];
}

/** Puts packets in a row, and checks them against the times that are stated. */
export function timelineOf(groups: readonly PacketGroup[], { preSkip, isOverlapped, tolerance }: Codec): Timeline {
  const runs: Uint8Array[][] = [[]];
  const gaps: Gap[] = [];
  const byEnd = new Map<number, PacketGroup>();
  let position: number | undefined; // by the container's clock
  let [length, skip, trimmed, isAfterGap] = [0, preSkip, 0, false];
  const note = (samples: number | undefined, isRepeated = false) =>
    gaps.push({ at: Math.max(0, length - skip), samples, isRepeated });

  for (const group of groups) {
    const { packets, durations, end, isLast } = group;
    isAfterGap ||= group.isAfterGap;
    if (group.isRepeated) note(undefined, true);
    if (packets.length === 0) continue;
    // A page that was copied and numbered anew; clocks that start again have other sound at the same time.
    const isCopy = end !== undefined && isSame(byEnd.get(end), group);
    if (isCopy) {
      note(undefined, true);
      continue;
    }
    if (end !== undefined) byEnd.set(end, group);
    const own = durations.reduce((sum, duration) => sum + duration, 0);
    const start = end === undefined ? undefined : end - own;
    const missing = start === undefined || position === undefined ? undefined : start - position;
    let heard = own;
    const isGap =
      missing === undefined ? isAfterGap && start !== 0 : missing > tolerance || (missing !== 0 && isAfterGap);
    if (isGap) {
      const unheard = isOverlapped ? durations[0] : 0;
      heard -= unheard;
      // Longer than a recording may be, it is the time that is damaged.
      note(missing !== undefined && missing > 0 && missing <= MAX_SAMPLES ? missing + unheard : undefined);
      runs.push([]);
      position = start === undefined ? position : Math.max(position ?? 0, start);
    }
    isAfterGap = false;
    // A stream that was recorded from its middle on does not begin at 0. One that begins before 0 is cut there.
    position ??= isLast ? 0 : Math.max(0, start ?? 0);
    if (isOverlapped && length === 0 && !isLast && start !== undefined && start < 0) {
      skip -= start;
      position = start;
    }
    runs[runs.length - 1].push(...packets);
    position += own;
    length += heard;
    if (isLast && end !== undefined && end < position) trimmed = Math.min(length, position - end);
  }
  if (isAfterGap) note(undefined);
  return { runs, skip, samples: Math.max(0, length - skip - trimmed), gaps };
}

const isSame = (one: PacketGroup | undefined, { packets }: PacketGroup): boolean =>
  one !== undefined &&
  one.packets.length === packets.length &&
  packets.every((packet, i) => {
    const other = one.packets[i];
    return packet.length === other.length && packet.every((byte, k) => byte === other[k]);
  });
