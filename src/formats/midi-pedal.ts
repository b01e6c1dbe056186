/**
 * The sustain pedal: notes are lengthened as pretty_midi's `get_piano_roll` does (Raffel and Ellis, ISMIR 2014, late-breaking).
 * What sounds while the pedal is down sounds on until it goes up. A pedal that never goes up again lengthens nothing.
 */

/** From this value on the pedal is down; pretty_midi's threshold too. */
const PEDAL_DOWN = 64;

export interface PedalEvent {
  readonly tick: number;
  readonly value: number; // 0…127
}

interface Lengthened {
  readonly channel: number; // 1…16
  readonly onset: number; // ticks
  readonly ending: string;
  offset: number; // ticks
}

/** @param pedals events of controller 64 of the same track, by channel 0…15, ascending by tick. */
export function lengthenByPedal(
  notes: readonly Lengthened[],
  pedals: ReadonlyMap<number, readonly PedalEvent[]>,
): void {
  const spans = new Map([...pedals].map(([channel, events]) => [channel + 1, pedalSpans(events)]));
  for (const note of notes) {
    if (note.offset <= note.onset) continue; // never sounds, or has no end yet
    const span = lastSpanBefore(spans.get(note.channel) ?? [], note.offset);
    if (span && note.onset < span.up) note.offset = Math.max(note.offset, span.up);
  }
}

interface Span {
  readonly down: number; // ticks
  readonly up: number; // ticks, after `down`
}

/** When the pedal was down: apart from each other, ascending. */
function pedalSpans(events: readonly PedalEvent[]): Span[] {
  const spans: Span[] = [];
  let down: number | undefined;
  for (const { tick, value } of events) {
    if (value >= PEDAL_DOWN) down ??= tick;
    else if (down !== undefined) {
      if (tick > down) spans.push({ down, up: tick });
      down = undefined;
    }
  }
  return spans;
}

/** The last span that begins before a tick, by bisection. */
function lastSpanBefore(spans: readonly Span[], tick: number): Span | undefined {
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle].down < tick) low = middle + 1;
    else high = middle;
  }
  return spans[low - 1];
}
