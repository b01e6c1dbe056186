/** What a Vorbis stream says of itself in Ogg (Vorbis I specification, section 4.2 and appendix A), before it is decoded. */

import { joined, type OggStream } from "./ogg.ts";
import { type Gap, malformed } from "./waveform.ts";

export interface VorbisStream {
  readonly sampleRate: number; // Hz
  readonly channels: number;
  readonly samples: number; // by the position of its last page
  readonly least: number; // samples that the pages behind the first hold
  /** Pages that follow one another, each part with the headers in front: a decoder would join what stands around a gap. */
  readonly parts: readonly Uint8Array[];
  readonly gaps: readonly Gap[]; // at the clock of the stream
}

export const isVorbisHead = (packet: Uint8Array): boolean =>
  String.fromCharCode(...packet.subarray(0, 7)) === "\x01vorbis";

/** @throws SurprisalError `malformed-audio` when its headers are not whole */
export function vorbisOfOgg({ pages }: OggStream): VorbisStream {
  const [head] = pages[0].packets;
  if (!head || head.length < 30) throw malformed("Expected a Vorbis header of 30 bytes, got a shorter one.");
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let [packets, headerPages] = [0, 0];
  while (headerPages < pages.length && packets < 3) packets += pages[headerPages++].packets.length;
  const headers = pages.slice(0, headerPages);
  if (packets < 3 || headers.some(({ isBehindGap }) => isBehindGap)) {
    throw malformed("Expected the three headers of Vorbis, got only a part of them.");
  }
  const gaps: Gap[] = [];
  const parts = [headers];
  let position = 0;
  for (const page of pages.slice(headerPages)) {
    if (page.isBehindGap) {
      gaps.push({ at: position, samples: undefined });
      parts.push([...headers]);
    }
    if (page.granule >= 0) position = page.granule;
    // The rest of a packet whose beginning is missing would be read as a packet.
    const isRest = page.isBehindGap && (page.bytes[5] & 1) !== 0;
    if (!isRest) parts[parts.length - 1].push(page);
  }
  return {
    sampleRate: view.getUint32(12, true),
    channels: view.getUint8(11),
    samples: position,
    least: position - Math.max(0, pages.find(({ granule }) => granule > 0)?.granule ?? 0),
    parts: parts.map((part) => joined(part.map(({ bytes }) => bytes))),
    gaps,
  };
}
