/** What was wrong with a MIDI file and could be put right: counted by kind, one warning for each. */
import { SurprisalError, type Warning } from "../errors.ts";

/** Kinds of faults that cost no note. */
export type RepairKind =
  | "container"
  | "header"
  | "track-count"
  | "track-length"
  | "end-of-track"
  | "padding"
  | "data-byte"
  | "real-time"
  | "system-exclusive";

export class Repairs {
  readonly #found = new Map<RepairKind, { sentence: string; count: number; places: number }>();

  /** @param sentence of the first fault of a kind it is the warning's; the others are counted. */
  add(kind: RepairKind, sentence: string, count = 1): void {
    const before = this.#found.get(kind);
    if (before === undefined) this.#found.set(kind, { sentence, count, places: 1 });
    else {
      before.count += count;
      before.places++;
    }
  }

  warnings(): Warning[] {
    return [...this.#found.values()].map(({ sentence, count, places }) => {
      const more = places === 1 ? "" : `; ${places - 1} more of this kind`;
      return { code: "repaired-midi", count, detail: `${sentence.replace(/\.$/, "")}${more}.` };
    });
  }
}

export const malformed = (detail: string, options?: ErrorOptions): SurprisalError =>
  new SurprisalError("malformed-midi", detail, options);

/** A number and its noun: "1 byte", "2 bytes". */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
