/** A pen that writes what is drawn as SVG: the part of a canvas's context that draw.ts uses. Coordinates are CSS pixels. */

export type Pen = Pick<
  CanvasRenderingContext2D,
  | "fillStyle"
  | "strokeStyle"
  | "lineWidth"
  | "font"
  | "textAlign"
  | "textBaseline"
  | "fillRect"
  | "fillText"
  | "beginPath"
  | "rect"
  | "roundRect"
  | "moveTo"
  | "lineTo"
  | "fill"
  | "stroke"
  | "clip"
  | "save"
  | "restore"
  | "setLineDash"
  | "translate"
>;

const ANCHORS: Readonly<Record<string, string>> = { left: "start", right: "end", center: "middle" };
const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string) => text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character]);
const short = (value: number) => String(Math.round(value * 100) / 100);

export class SvgPen implements Pen {
  fillStyle: Pen["fillStyle"] = "#000";
  strokeStyle: Pen["strokeStyle"] = "#000";
  lineWidth = 1;
  font = "10px sans-serif";
  textAlign: CanvasTextAlign = "left";
  textBaseline: CanvasTextBaseline = "alphabetic";
  readonly #parts: string[] = [];
  readonly #groups: number[] = []; // open ones since each save
  #dash: readonly number[] = [];
  #path = "";
  #clips = 0;

  fillRect(x: number, y: number, width: number, height: number): void {
    this.#parts.push(`<rect ${box(x, y, width, height)} ${this.#fill()}/>`);
  }

  fillText(text: string, x: number, y: number): void {
    const [, weight = "", size, family] = /^(?:(\d+) )?([\d.]+)px (.*)$/.exec(this.font) ?? [];
    const baseline = this.textBaseline === "middle" ? ' dominant-baseline="central"' : "";
    const font = `font-family="${escaped(family)}" font-size="${size}"${weight && ` font-weight="${weight}"`}`;
    const anchor = `text-anchor="${ANCHORS[this.textAlign]}"${baseline}`;
    this.#parts.push(`<text x="${short(x)}" y="${short(y)}" ${font} ${anchor} ${this.#fill()}>${escaped(text)}</text>`);
  }

  beginPath(): void {
    this.#path = "";
  }

  rect(x: number, y: number, width: number, height: number): void {
    this.#path += `<rect ${box(x, y, width, height)} />`;
  }

  roundRect(x: number, y: number, width: number, height: number, radius: number): void {
    this.#path += `<rect ${box(x, y, width, height)} rx="${short(radius)}" />`;
  }

  moveTo(x: number, y: number): void {
    this.#path += `<path d="M${short(x)} ${short(y)}" />`;
  }

  /** Goes on from the last point of the path. */
  lineTo(x: number, y: number): void {
    this.#path = this.#path.replace(/" \/>$/, `L${short(x)} ${short(y)}" />`);
  }

  fill(): void {
    this.#parts.push(this.#path.replaceAll("/>", `${this.#fill()}/>`));
  }

  stroke(): void {
    const dash = this.#dash.length > 0 ? ` stroke-dasharray="${this.#dash.join(" ")}"` : "";
    const style = `fill="none" stroke="${this.strokeStyle}" stroke-width="${this.lineWidth}"${dash}`;
    this.#parts.push(this.#path.replaceAll("/>", `${style}/>`));
  }

  clip(): void {
    this.#clips += 1;
    this.#parts.push(`<clipPath id="clip${this.#clips}">${this.#path}</clipPath>`);
    this.#open(`clip-path="url(#clip${this.#clips})"`);
  }

  translate(x: number, y: number): void {
    this.#open(`transform="translate(${short(x)} ${short(y)})"`);
  }

  setLineDash(dash: readonly number[]): void {
    this.#dash = dash;
  }

  save(): void {
    this.#groups.push(0);
  }

  restore(): void {
    this.#parts.push("</g>".repeat(this.#groups.pop() ?? 0));
  }

  /** The document. */
  text(width: number, height: number): string {
    const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>\n${this.#parts.filter(Boolean).join("\n")}\n</svg>\n`;
  }

  #open(attributes: string): void {
    this.#groups[this.#groups.length - 1] += 1;
    this.#parts.push(`<g ${attributes}>`);
  }

  /** Colours of the style may be #rrggbbaa, which SVG 1.1 does not know. */
  #fill(): string {
    const [, colour, alpha] = /^(#[\da-f]{6})([\da-f]{2})$/i.exec(String(this.fillStyle).trim()) ?? [];
    if (!colour) return `fill="${String(this.fillStyle).trim()}"`;
    return `fill="${colour}" fill-opacity="${short(Number.parseInt(alpha, 16) / 255)}"`;
  }
}

const box = (x: number, y: number, width: number, height: number) =>
  `x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"`;
