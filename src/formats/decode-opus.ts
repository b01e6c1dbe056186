/** Opus -> samples, by libopus. */

import { type Recorded, trimmer, withDecoder } from "./decoded.ts";
import { OPUS_RATE, type OpusStream } from "./opus.ts";

/** libopus writes no longer packet than 1275 bytes for each of six frames of a stream (RFC 6716, section 3.4). */
const MAX_OPUS_BYTES = 7650;

/** The decoder writes each damaged packet to standard error, where one file could fill a server's log; the answer has it as a warning. */
function quietly<T>(decode: () => T): T {
  const { error } = console;
  console.error = () => {};
  try {
    return decode();
  } finally {
    console.error = error;
  }
}

/** @throws SurprisalError `too-large`; Error for packets that no encoder writes */
export async function decodeOpus({ head, timeline }: OpusStream, sound: Recorded): Promise<void> {
  sound.begin(OPUS_RATE, head.channels, timeline.samples);
  const start = sound.length;
  const trim = trimmer(timeline, sound);
  const { OpusDecoder } = await import("opus-decoder");
  const options = {
    channels: head.channels,
    streamCount: head.streams,
    coupledStreamCount: head.coupled,
    channelMappingTable: [...head.mapping],
  };
  await withDecoder(new OpusDecoder(options), async (decoder) => {
    for (const packet of timeline.runs.flat()) {
      if (packet.length > MAX_OPUS_BYTES * head.streams) throw new Error(`a packet of ${packet.length} bytes`);
      sound.add(trim(quietly(() => decoder.decodeFrame(packet))), head.layout, head.gain);
      await sound.pause();
    }
  });
  sound.missing(timeline.gaps, start);
}
