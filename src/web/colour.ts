/**
 * Surprisal -> colour. From a pale blue over amber to vermilion, which people with any of the common colour blindnesses tell
 * apart (Okabe and Ito, 2008): blue against orange, and one end is nearer to the paper than the other.
 */

/** Nats from which a note is as surprising as the scale shows: a probability of 0.7 %. */
export const MAX_SURPRISAL = 5;

type Colour = readonly [red: number, green: number, blue: number];

const LIGHT: readonly Colour[] = [
  [170, 195, 222],
  [233, 190, 95],
  [226, 120, 24],
  [166, 38, 8],
];
const DARK: readonly Colour[] = [
  [62, 88, 122],
  [158, 122, 62],
  [232, 142, 44],
  [255, 104, 66],
];

export const isDark = (): boolean => matchMedia("(prefers-color-scheme: dark)").matches;

const STEPS = 64;
const scaleOf = (stops: readonly Colour[]) =>
  Array.from({ length: STEPS + 1 }, (_, step) => {
    const at = (step / STEPS) * (stops.length - 1);
    const below = Math.min(Math.floor(at), stops.length - 2);
    const mixed = stops[below].map((from, c) => Math.round(from + (at - below) * (stops[below + 1][c] - from)));
    return `rgb(${mixed.join(" ")})`;
  });
const [light, dark] = [scaleOf(LIGHT), scaleOf(DARK)];

/** @param surprisal nats */
export function colourOf(surprisal: number, isDark: boolean): string {
  const step = Math.round((STEPS * Math.min(Math.max(surprisal, 0), MAX_SURPRISAL)) / MAX_SURPRISAL);
  return (isDark ? dark : light)[step];
}
