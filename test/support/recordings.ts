/** Recordings of test/fixtures/audio, and how alike two of them sound. */

import { readFileSync } from "node:fs";

export const recordingFile = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../fixtures/audio/${name}`, import.meta.url)));

/** Of a signal in decibels over what a decoded one adds to it, at the shift in samples where they match best. */
export function signalToNoise(found: Float32Array, wanted: Float32Array, largestShift = 0): number {
  const signal = wanted.reduce((sum, sample) => sum + sample ** 2, 0);
  let least = Number.POSITIVE_INFINITY;
  for (let shift = -largestShift; shift <= largestShift; shift++) {
    let noise = 0;
    for (let t = 0; t < wanted.length && noise < least; t++) noise += (wanted[t] - (found[t + shift] ?? 0)) ** 2;
    least = Math.min(least, noise);
  }
  return 10 * Math.log10(signal / least);
}

/** The pages of an Ogg file. */
export function oggPages(bytes: Uint8Array): Uint8Array[] {
  const pages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const segments = bytes.subarray(at + 27, at + 27 + bytes[at + 26]);
    const end = at + 27 + segments.length + segments.reduce((sum, length) => sum + length, 0);
    pages.push(bytes.subarray(at, end));
    at = end;
  }
  return pages;
}

/** Pages that a program numbered anew, from 0 on. */
export function renumbered(pages: readonly Uint8Array[]): Uint8Array {
  const numbered = pages.map((page, i) => {
    const copy = page.slice();
    new DataView(copy.buffer).setUint32(18, i, true);
    return copy;
  });
  return repairOggChecksums(new Uint8Array(Buffer.concat(numbered)));
}

/** Gives each Ogg page the checksum of what it holds now, bit by bit as RFC 3533 defines it, so that damage gets past it. */
export function repairOggChecksums(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 27 <= bytes.length && view.getUint32(at) === 0x4f676753; ) {
    const segments = bytes.subarray(at + 27, at + 27 + bytes[at + 26]);
    const end = Math.min(bytes.length, at + 27 + segments.length + segments.reduce((sum, length) => sum + length, 0));
    view.setUint32(at + 22, 0);
    let sum = 0;
    for (let i = at; i < end; i++) {
      sum ^= bytes[i] << 24;
      for (let bit = 0; bit < 8; bit++) sum = sum & 0x8000_0000 ? (sum << 1) ^ 0x04c11db7 : sum << 1;
    }
    view.setUint32(at + 22, sum >>> 0, true);
    at = end;
  }
  return bytes;
}
