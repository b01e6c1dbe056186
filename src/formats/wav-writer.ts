/** Mono samples -> WAV bytes. */
import type { Sound } from "./waveform.ts";

/** A WAV file of 16 bits; samples beyond full scale are clipped. */
export function writeWav({ samples, sampleRate }: Sound): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(44 + 2 * samples.length);
  const view = new DataView(file.buffer);
  const text = (at: number, name: string) => file.set(new TextEncoder().encode(name), at);
  text(0, "RIFF");
  view.setUint32(4, file.length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // integers
  view.setUint16(22, 1, true); // channel
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * sampleRate, true);
  view.setUint16(32, 2, true); // bytes of a frame
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, t) => {
    view.setInt16(44 + 2 * t, Math.max(-32768, Math.min(32767, Math.round(sample * 32768))), true);
  });
  return file;
}
