/**
 * Learning curves -> an SVG in the manner of the paper's figures 2 and 3: validation NLL against epochs and against seconds,
 * one line for each cell. Drawn by ECharts, which needs neither a browser nor a canvas for SVG.
 */
import { LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { Curve } from "./curves.ts";

use([GridComponent, LegendComponent, LineChart, ScatterChart, SVGRenderer, TitleComponent]);

export interface Line {
  readonly name: string;
  readonly color: string;
  readonly curve: Curve;
}

const WIDTH = 900;
const HEIGHT = 360;
const PANELS = [
  { key: "epoch", name: "epochs", left: 70 },
  { key: "seconds", name: "seconds of training", left: 510 },
] as const;

/** How far above the lowest NLL the picture reaches, in its size: the first epochs would flatten all that comes after. */
const HEADROOM = { aboveZero: 0.15, belowZero: 0.6 };

/** Equal lines give equal bytes. A dot marks the epoch whose weights were kept. */
export function learningCurves(title: string, lines: readonly Line[], unit = "frame"): string {
  const lowest = Math.min(...lines.flatMap(({ curve }) => curve.map(({ valid }) => valid)));
  const text = { color: "#333", fontFamily: "sans-serif", fontSize: 12 };
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption({
    animation: false,
    backgroundColor: "#fff",
    textStyle: text,
    title: {
      text: `${title}: validation NLL, nats per ${unit}`,
      left: 16,
      top: 10,
      textStyle: { ...text, fontSize: 15 },
    },
    legend: {
      data: lines.map(({ name }) => name),
      right: 16,
      top: 10,
      icon: "roundRect",
      itemHeight: 4,
      itemGap: 28,
      textStyle: text,
    },
    grid: PANELS.map(({ left }) => ({ left, width: 360, top: 56, bottom: 52 })),
    xAxis: PANELS.map(({ name }, gridIndex) => ({
      gridIndex,
      name,
      nameLocation: "middle",
      nameGap: 28,
      min: 0,
      nameTextStyle: text,
      axisLabel: text,
      axisLine: { show: true, onZero: false },
    })),
    yAxis: PANELS.map((_, gridIndex) => ({
      gridIndex,
      min: Math.floor(10 * lowest) / 10,
      max: Math.ceil(10 * (lowest + Math.abs(lowest) * (lowest > 0 ? HEADROOM.aboveZero : HEADROOM.belowZero))) / 10,
      axisLabel: { ...text, showMinLabel: false, showMaxLabel: false, formatter: (value: number) => value.toFixed(1) },
    })),
    series: PANELS.flatMap(({ key }, panel) =>
      lines.flatMap(({ name, color, curve }) => {
        const points = curve.map((epoch) => [epoch[key], epoch.valid]);
        const best = points.reduce((a, b) => (b[1] < a[1] ? b : a));
        const common = { name, color, xAxisIndex: panel, yAxisIndex: panel, silent: true, clip: true };
        return [
          { ...common, type: "line", showSymbol: false, lineStyle: { width: 1.5 }, data: points },
          { ...common, type: "scatter", symbolSize: 7, data: [best] },
        ];
      }),
    ),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return withoutCounters(svg);
}

/** Names of clips and classes count up from picture to picture; classes only serve a pointer, so they go. */
const withoutCounters = (svg: string): string =>
  `${svg
    .replace(/<style.*<\/style>\n?/s, "")
    .replaceAll(/ class="[^"]*"/g, "")
    .replaceAll(/zr\d+-c/g, "clip-")}\n`;
