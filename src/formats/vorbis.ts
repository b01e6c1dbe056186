/**
 * What a Vorbis stream says of itself in Ogg (Vorbis I specification, section 4.2 and appendix A), before it is decoded: how
 * long each packet lasts, and so what is missing between them.
 */

import { endOf, type OggStream } from "./ogg.ts";
import { type PacketGroup, type Timeline, timelineOf } from "./timeline.ts";
import { malformed } from "./waveform.ts";

export interface VorbisStream {
  readonly sampleRate: number; // Hz
  readonly channels: number;
  readonly headers: readonly Uint8Array[];
  readonly timeline: Timeline;
}

/** Bits of a mode in the setup header (section 4.2.4): a flag, the types of window and transform, both 0, and a mapping. */
const MODE_BITS = 1 + 16 + 16 + 8;

export const isVorbisHead = (packet: Uint8Array): boolean =>
  String.fromCharCode(...packet.subarray(0, 7)) === "\x01vorbis";

/** @throws SurprisalError `malformed-audio` when its headers are not whole */
export function vorbisOfOgg({ pages }: OggStream): VorbisStream {
  const [head] = pages[0].packets;
  if (!head || head.length < 30) throw malformed("Expected a Vorbis header of 30 bytes, got a shorter one.");
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const headers = pages.flatMap(({ packets }) => packets).slice(0, 3);
  const isWholeHead = headers.length === 3 && headers.every((packet, i) => packet[0] === 2 * i + 1);
  const modes = isWholeHead ? longModes(headers[2]) : [];
  if (modes.length === 0) throw malformed("Expected the three headers of Vorbis, got only a part of them.");

  const blockSizes = [2 ** (head[28] & 15), 2 ** (head[28] >> 4)];
  const mask = 2 ** Math.ceil(Math.log2(modes.length)) - 1;
  let before = 0; // size of the block
  let skipped = headers.length;
  const groups = pages.map((page): PacketGroup => {
    const packets = page.packets.slice(skipped);
    skipped -= page.packets.length - packets.length;
    const durations = packets.map((packet) => {
      if (packet.length === 0 || packet[0] & 1) return 0; // no sound
      const size = blockSizes[Number(modes[(packet[0] >> 1) & mask] ?? false)];
      const duration = before === 0 ? 0 : (before + size) / 4;
      before = size;
      return duration;
    });
    return { ...page, packets, durations, end: endOf(page, packets) };
  });
  return {
    sampleRate: view.getUint32(12, true),
    channels: view.getUint8(11),
    headers,
    timeline: timelineOf(groups, { preSkip: 0, isOverlapped: true, tolerance: 0 }),
  };
}

/**
 * Which modes have long blocks. They stand at the end of the setup header, after what only a decoder can walk through, so they
 * are read backwards from the framing bit; their number stands in front of them.
 */
function longModes(setup: Uint8Array): boolean[] {
  const read = (at: number, bits: number): number => {
    let value = 0;
    for (let i = 0; i < bits; i++) value += ((setup[(at + i) >> 3] >> ((at + i) & 7)) & 1) * 2 ** i;
    return value;
  };
  let end = 8 * setup.length - 1;
  while (end > 0 && read(end, 1) === 0) end--;
  const modes: boolean[] = [];
  let found: boolean[] = [];
  for (let at = end - MODE_BITS; at >= 6 && read(at + 1, 32) === 0 && modes.length < 64; at -= MODE_BITS) {
    modes.unshift(read(at, 1) === 1);
    if (read(at - 6, 6) + 1 === modes.length) found = [...modes];
  }
  return found;
}
