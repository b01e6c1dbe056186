import { useEffect, useRef } from "preact/hooks";
import { colourOf, isDark, MAX_SURPRISAL } from "./colour.ts";

const [WIDTH, HEIGHT] = [160, 10];

/** The scale of colours, from a note that was expected to one that was not. */
export function Legend({ most, hasUnscored = false }: { most: string; hasUnscored?: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const paint = () => {
      const context = canvas.current?.getContext("2d");
      for (let x = 0; context && x < WIDTH; x++) {
        context.fillStyle = colourOf((x / WIDTH) * MAX_SURPRISAL, isDark());
        context.fillRect(x, 0, 1, HEIGHT);
      }
    };
    paint();
    dark.addEventListener("change", paint);
    return () => dark.removeEventListener("change", paint);
  }, []);
  return (
    <div class="legend">
      <span>expected</span>
      <canvas ref={canvas} width={WIDTH} height={HEIGHT} />
      <span>{most}</span>
      {hasUnscored && <span class="key">without a score</span>}
    </div>
  );
}
