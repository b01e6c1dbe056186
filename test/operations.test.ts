import { readFileSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { createMetrics } from "../src/entry/node/metrics.ts";
import { DEFAULT_LIMITS } from "../src/limits.ts";
import { limitRows } from "../src/util/limits-of.ts";

const text = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

test("docs/operations.md has every limit, with its variable, default and code", () => {
  const [, table] = /<!-- limits -->\n(.*)\n<!-- \/limits -->/s.exec(text("docs/operations.md")) ?? [];
  const rows = limitRows(DEFAULT_LIMITS).map(
    (row) => `| \`${row.variable}\` | ${row.value} | ${row.problem} | ${row.limits} |`,
  );
  expect(table?.split("\n").slice(2)).toEqual(rows);
});

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}
interface Alerts {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}

const dashboard: Dashboard = JSON.parse(text("docs/grafana-dashboard.json"));
const { groups }: Alerts = parse(text("docs/prometheus-alerts.yaml"));
const alerts = groups.flatMap(({ rules }) => rules);

/** Names of metrics in an expression, by the grammar of Prometheus; undefined if it is none. */
function metricsIn(expression: string): readonly string[] | undefined {
  const names: string[] = [];
  let isWhole = true;
  // Grafana puts a duration in the place of its variable.
  const promql = expression.replaceAll("$__rate_interval", "5m");
  parser.parse(promql).iterate({
    enter({ type, from, to, node }) {
      if (type.isError) isWhole = false;
      if (type.name === "Identifier" && node.parent?.name === "VectorSelector") names.push(promql.slice(from, to));
    },
  });
  return isWhole ? names : undefined;
}

describe("the dashboard and the alerts", async () => {
  const { registry } = await createMetrics({
    models: () => [],
    load: () => ({ waiting: 0, working: 0 }),
    problems: () => 0,
  });
  const known = new Set(["up"]);
  for (const { name, type } of await registry.getMetricsAsJSON()) {
    const suffixes = String(type) === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    for (const suffix of suffixes) known.add(name + suffix);
  }

  test.each([
    ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
    ...alerts.map(({ alert, expr }) => [alert, expr] as const),
  ])("%s asks Prometheus for metrics that there are", (_, expr) => {
    const metrics = metricsIn(expr);
    expect(metrics?.length).toBeGreaterThan(0);
    for (const metric of metrics ?? []) expect(known).toContain(metric);
  });

  test("a slip in an expression would be found", () => {
    expect(metricsIn("sum by (code (rate(surprisal_requests_total[5m])")).toBeUndefined();
    expect(metricsIn("surprisal_requests_totals")).toEqual(["surprisal_requests_totals"]);
  });

  test("each alert has its line in the runbook", () => {
    for (const { alert } of alerts) expect(text("docs/operations.md")).toContain(`| \`${alert}\` |`);
  });
});

describe("docs/security.md", () => {
  const rows = Array.from(text("docs/security.md").matchAll(/^\| (?!threat|---)(.*) \|$/gm), ([, row]) =>
    row.split(" | "),
  );

  test.each(rows.map(([threat, , held]) => [threat, held] as const))("%s: its tests are there", (_, held) => {
    const files = Array.from(held.matchAll(/`(test\/[\w/.-]+)`/g), ([, file]) => file);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect(text(file)).toMatch(/\b(test|describe)\b/);
  });

  test("has its rows", () => {
    expect(rows.length).toBeGreaterThan(20);
    for (const row of rows) expect(row).toHaveLength(3);
  });
});
