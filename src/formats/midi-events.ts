/**
 * The bytes of a track, event by event -> a clean track that holds only what a score reads: notes, programs, the sustain pedal,
 * tempo and time signature. Everything else is passed over by its length. Events by the Standard MIDI Files 1.0
 * specification (RP-001), and what players and other readers forgive.
 */

/** A number of variable length has at most four bytes of seven bits. */
const MAX_DELTA = 2 ** 28 - 1;

const SUSTAIN_PEDAL = 64;

/** Bytes of data of the system messages that have any: they belong to a cable and not to a file. */
const SYSTEM_DATA = new Map([
  [0xf1, 1],
  [0xf2, 2],
  [0xf3, 1],
]);

/** Faults of single events that were put right. */
export interface EventTally {
  dataBytes: number; // above 127, clipped
  realTime: number; // timing clocks and the like
  rawExclusive: number; // system-exclusive messages without a length
}

/** Where reading stood, so that what follows can be taken back. */
export interface Mark {
  readonly at: number;
  readonly written: number; // bytes
  readonly pending: number; // ticks
  readonly tally: EventTally;
}

/** What stands in the way of reading an event. */
export interface EventFault {
  readonly why: string; // "byte 30 is the pitch 200 of a note, above 127"
  readonly cut: boolean; // the event goes on beyond the limit
}

export type Outcome = "event" | "end" | EventFault;

/** Reads events one by one and writes the clean ones. Positions count from the file's first byte. */
export class EventReader {
  readonly #bytes: Uint8Array;
  readonly written: number[] = [];
  at: number;
  #running = 0; // status of the channel event before, 0 without one
  #pending = 0; // ticks since the event that was written last
  #tally: EventTally = { dataBytes: 0, realTime: 0, rawExclusive: 0 };

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  get tally(): Readonly<EventTally> {
    return this.#tally;
  }

  mark(): Mark {
    return { at: this.at, written: this.written.length, pending: this.#pending, tally: { ...this.#tally } };
  }

  /** Takes back all that was read since the mark. */
  restore({ at, written, pending, tally }: Mark): void {
    this.at = at;
    this.written.length = written;
    this.#pending = pending;
    this.#tally = { ...tally };
  }

  /** No event may now lean on the status of one before: what stands after an End of Track may be anything. */
  forgetStatus(): void {
    this.#running = 0;
  }

  /** Ends the clean track at the tick that was reached. */
  finish(): Uint8Array {
    this.#write([0xff, 0x2f, 0]);
    return Uint8Array.from(this.written);
  }

  /** Reads one event that may not go beyond the limit. After a fault `at` still stands at its first byte. */
  next(limit: number): Outcome {
    const delta = this.#number(this.at, limit);
    if ("why" in delta) return delta;
    const begin = delta.next;
    if (begin >= limit) return cut("an event");
    const status = this.#bytes[begin];
    let outcome: { next: number; end?: boolean } | EventFault;
    const ticks = this.#pending;
    this.#pending += delta.value;
    if (status < 0xf0) outcome = this.#channelEvent(begin, limit);
    else if (status === 0xff) outcome = this.#metaEvent(begin, limit);
    else if (status === 0xf0 || status === 0xf7) outcome = this.#exclusive(begin, limit);
    else outcome = this.#systemEvent(begin, limit);
    if ("why" in outcome) {
      this.#pending = ticks;
      return outcome;
    }
    this.at = outcome.next;
    return outcome.end === true ? "end" : "event";
  }

  #write(event: readonly number[]): void {
    for (; this.#pending > MAX_DELTA; this.#pending -= MAX_DELTA) this.written.push(0xff, 0xff, 0xff, 0x7f, 0xff, 1, 0);
    const ticks = this.#pending;
    if (ticks >= 2 ** 21) this.written.push(128 | (ticks >>> 21));
    if (ticks >= 2 ** 14) this.written.push(128 | ((ticks >>> 14) & 127));
    if (ticks >= 2 ** 7) this.written.push(128 | ((ticks >>> 7) & 127));
    this.written.push(ticks & 127, ...event);
    this.#pending = 0;
  }

  /** A number of variable length. Zeros in front of it are no fault. */
  #number(from: number, limit: number): { value: number; next: number } | EventFault {
    let value = 0;
    for (let at = from; at < limit; at++) {
      value = value * 128 + (this.#bytes[at] & 127);
      if (value > MAX_DELTA) return fault(`the number at byte ${from} has more than 28 bits`);
      if (this.#bytes[at] < 128) return { value, next: at + 1 };
    }
    return cut("a number");
  }

  #channelEvent(begin: number, limit: number): { next: number } | EventFault {
    let at = begin;
    let status = this.#bytes[at];
    if (status >= 0x80) at++;
    else status = this.#running;
    if (status === 0) return fault(`byte ${begin} is data (0x${hex(this.#bytes[begin])}) without an event before it`);
    const kind = status >> 4;
    while (at < limit && this.#bytes[at] >= 0xf8 && this.#bytes[at] < 0xff) {
      this.#tally.realTime++;
      at++;
    }
    const next = at + (kind === 0xc || kind === 0xd ? 1 : 2);
    if (next > limit) return cut("a channel event");
    const [first, second] = this.#bytes.subarray(at, next);
    const isNote = kind === 8 || kind === 9;
    if (isNote && first > 127) return fault(`byte ${at} is the pitch ${first} of a note, above 127`);
    this.#running = status;
    if (first > 127 || second > 127) this.#tally.dataBytes++;
    if (isNote) this.#write([status, first, Math.min(127, second)]);
    else if (kind === 0xc) this.#write([status, Math.min(127, first)]);
    else if (kind === 0xb && first === SUSTAIN_PEDAL) this.#write([status, first, Math.min(127, second)]);
    return { next };
  }

  #metaEvent(begin: number, limit: number): { next: number; end?: boolean } | EventFault {
    const kind = this.#bytes[begin + 1];
    if (begin + 2 >= limit) {
      // Only the last byte of an End of Track may be lacking.
      return begin + 1 < limit && kind === 0x2f ? { next: limit, end: true } : cut("a meta event");
    }
    if (kind === 0x2f) return { next: begin + (this.#bytes[begin + 2] === 0x4d ? 2 : 3), end: true }; // "M" of "MTrk"
    const length = this.#number(begin + 2, limit);
    if ("why" in length) return length;
    const next = length.next + length.value;
    if (next > limit) {
      return cut(`the meta event at byte ${begin} of ${length.value} bytes`);
    }
    const data = this.#bytes.subarray(length.next, next);
    if (kind === 0x51 && data.length === 3 && data.some((byte) => byte > 0)) this.#write([0xff, 0x51, 3, ...data]);
    if (kind === 0x58 && data.length >= 2 && data[0] > 0 && data[1] < 8) {
      this.#write([0xff, 0x58, 4, data[0], data[1], 24, 8]);
    }
    return { next };
  }

  /**
   * A system-exclusive message has a length in a file, on a cable it has none and ends in 0xf7. Its data are below 128; where
   * the length would take in bytes above and not end in 0xf7, and the first of them is 0xf7, it is no length.
   */
  #exclusive(begin: number, limit: number): { next: number } | EventFault {
    const length = this.#number(begin + 1, limit);
    const next = "why" in length ? limit + 1 : length.next + length.value;
    if (this.#bytes[begin] === 0xf0 && (next > limit || this.#bytes[next - 1] !== 0xf7)) {
      let high = begin + 1;
      while (high < limit && this.#bytes[high] < 128) high++;
      if (high < Math.min(next, limit) && this.#bytes[high] === 0xf7) {
        this.#tally.rawExclusive++;
        return { next: high + 1 };
      }
    }
    if ("why" in length) return length;
    return next > limit ? cut(`the system-exclusive message at byte ${begin} of ${length.value} bytes`) : { next };
  }

  #systemEvent(begin: number, limit: number): { next: number } | EventFault {
    const next = begin + 1 + (SYSTEM_DATA.get(this.#bytes[begin]) ?? 0);
    if (next > limit) return cut("a system message");
    // Two are undefined. What may be a damaged byte is followed by an event of its own, or the track is refused.
    if (this.#bytes[begin] === 0xf4 || this.#bytes[begin] === 0xf5) this.#running = 0;
    this.#tally.realTime++;
    return { next };
  }
}

const hex = (byte: number) => byte.toString(16).padStart(2, "0");
const fault = (why: string): EventFault => ({ why, cut: false });
const cut = (what: string): EventFault => ({ why: `${what} goes on beyond the end`, cut: true });
