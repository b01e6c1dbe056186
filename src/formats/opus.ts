/** What Opus says of itself in Ogg, WebM and MP4 (RFC 7845), and how long a packet lasts (RFC 6716). Granules are 1/48,000 s. */

import { expected } from "../errors.ts";
import { type Speaker, vorbisLayout } from "./downmix.ts";
import { endOf, type OggStream } from "./ogg.ts";
import { type PacketGroup, type Timeline, timelineOf } from "./timeline.ts";
import { malformed } from "./waveform.ts";

export const OPUS_RATE = 48_000; // Hz, of the decoder, whatever was recorded

export interface OpusHead {
  readonly channels: number;
  readonly preSkip: number; // samples to drop, in which the decoder converges
  readonly gain: number; // factor
  readonly streams: number;
  readonly coupled: number; // of them, in stereo
  readonly mapping: readonly number[]; // channel of the decoder, for each channel
  readonly layout: readonly Speaker[];
}

export const isOpusHead = (packet: Uint8Array): boolean => String.fromCharCode(...packet.subarray(0, 8)) === "OpusHead";

/**
 * RFC 7845, section 5.1.
 * @throws SurprisalError `malformed-audio` when it is none, or its channels are mapped in a way that is not known here
 */
export function readOpusHead(packet: Uint8Array): OpusHead {
  if (packet.length < 19) throw malformed(`Expected an Opus header of at least 19 bytes, got ${packet.length}.`);
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const [channels, family] = [view.getUint8(9), view.getUint8(18)];
  const common = { channels, preSkip: view.getUint16(10, true), gain: 10 ** (view.getInt16(16, true) / 256 / 20) };
  if (family === 0 && (channels === 1 || channels === 2)) {
    return { ...common, streams: 1, coupled: channels - 1, mapping: [0, 1].slice(0, channels), layout: [] };
  }
  const [streams, coupled] = packet.length >= 21 + channels ? [view.getUint8(19), view.getUint8(20)] : [0, 0];
  const mapping = [...packet.subarray(21, 21 + channels)];
  const isKnown = (family === 1 && channels <= 8) || family === 255;
  // 255 stands for a channel of silence.
  const isMapped = mapping.every((index) => index === 255 || index < streams + coupled);
  if (!isKnown || channels === 0 || streams === 0 || coupled > streams || streams + coupled > 255 || !isMapped) {
    throw malformed(`Expected Opus channels of mapping family 0, 1 or 255, got ${channels} of family ${family}.`);
  }
  return { ...common, streams, coupled, mapping, layout: family === 1 ? vorbisLayout(channels) : [] };
}

/** Samples of a packet at 48 kHz, by its first two bytes (RFC 6716, section 3.1); 0 when it is none. */
export function packetSamples(packet: Uint8Array): number {
  if (packet.length === 0) return 0;
  const [toc, counts] = packet;
  const config = toc >> 3;
  const frame =
    config < 12 ? [480, 960, 1920, 2880][config & 3] : config < 16 ? [480, 960][config & 1] : 120 << (config & 3);
  const frames = (toc & 3) === 0 ? 1 : (toc & 3) < 3 ? 2 : packet.length > 1 ? counts & 63 : 0;
  const samples = frame * frames;
  return samples <= 5760 ? samples : 0; // 120 ms
}

/** What to decode, and what to keep of it. */
export interface OpusStream {
  readonly head: OpusHead;
  readonly timeline: Timeline;
}

/**
 * @param tolerance samples by which a time may be off without anything being missing
 * @throws SurprisalError `malformed-audio` when a packet is none
 */
export function opusStream(
  head: OpusHead,
  groups: readonly Omit<PacketGroup, "durations">[],
  tolerance: number,
): OpusStream {
  let length = 0;
  const dated = groups.map((group): PacketGroup => {
    const durations = group.packets.map(packetSamples);
    if (durations.includes(0)) {
      throw malformed(expected("packets of Opus", `a damaged one after ${length / OPUS_RATE} s`));
    }
    length += durations.reduce((sum, own) => sum + own, 0);
    return { ...group, durations };
  });
  return { head, timeline: timelineOf(dated, { preSkip: head.preSkip, isOverlapped: false, tolerance }) };
}

const isOpusTags = (packet: Uint8Array): boolean => String.fromCharCode(...packet.subarray(0, 8)) === "OpusTags";

/** RFC 7845: the header, the comments, then sound. @throws SurprisalError `malformed-audio` when the header is damaged */
export function opusOfOgg({ pages }: OggStream): OpusStream {
  const head = readOpusHead(pages[0].packets[0] ?? new Uint8Array());
  const groups = pages.map((page) => {
    const packets = page.packets.filter((packet) => !isOpusHead(packet) && !isOpusTags(packet));
    return { ...page, packets, end: endOf(page, packets) };
  });
  return opusStream(head, groups, 0);
}
