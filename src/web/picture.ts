/** The chart as a picture to send to others, PNG or SVG: its title and the verdict above, what the colours mean below. */
import type { Drawing } from "./chart.tsx";
import { colourOf, isDark, MAX_SURPRISAL } from "./colour.ts";
import { type Pen, SvgPen } from "./svg.ts";

const WIDTH = 1200; // CSS pixels
const MARGIN = 28;
const HEAD = 74;
const FOOT = 40;
const SCALE = 2; // of the PNG

interface Words {
  readonly title: string;
  readonly verdict: string;
  readonly model: string;
}

const FONT = "system-ui, sans-serif";
const heightOf = ({ height }: Drawing) => 2 * MARGIN + HEAD + height + FOOT;

function draw(pen: Pen, drawing: Drawing, { title, verdict, model }: Words): void {
  const { colour } = drawing;
  const height = heightOf(drawing);
  pen.fillStyle = colour("card");
  pen.fillRect(0, 0, WIDTH, height);
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillStyle = colour("ink");
  pen.font = `700 24px ${FONT}`;
  pen.fillText(title, MARGIN, MARGIN + 12);
  pen.font = `16px ${FONT}`;
  pen.fillText(verdict, MARGIN, MARGIN + 44);

  pen.save();
  pen.translate(MARGIN, MARGIN + HEAD);
  drawing.draw(pen, WIDTH - 2 * MARGIN);
  pen.restore();

  const y = height - MARGIN;
  pen.font = `13px ${FONT}`;
  pen.textAlign = "left";
  pen.fillStyle = colour("faint");
  pen.fillText("expected", MARGIN, y);
  for (let step = 0; step < 80; step++) {
    pen.fillStyle = colourOf((step / 80) * MAX_SURPRISAL, isDark());
    pen.fillRect(MARGIN + 64 + 2 * step, y - 5, 2, 10);
  }
  pen.fillStyle = colour("faint");
  pen.fillText("surprising", MARGIN + 234, y);
  pen.textAlign = "right";
  pen.fillText(`to ${model}, by surprisal`, WIDTH - MARGIN, y);
}

export function svgOf(drawing: Drawing, words: Words): Blob {
  const pen = new SvgPen();
  draw(pen, drawing, words);
  return new Blob([pen.text(WIDTH, heightOf(drawing))], { type: "image/svg+xml" });
}

export async function pngOf(drawing: Drawing, words: Words): Promise<Blob | null> {
  const size = { width: SCALE * WIDTH, height: SCALE * heightOf(drawing) };
  const canvas = Object.assign(document.createElement("canvas"), size);
  const pen = canvas.getContext("2d");
  if (!pen) return null;
  pen.scale(SCALE, SCALE);
  draw(pen, drawing, words);
  return new Promise((resolve) => canvas.toBlob(resolve));
}
