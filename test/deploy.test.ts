/** The image and the manifest for KServe fit the server that they run. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import packageJson from "../package.json" with { type: "json" };
import { createApi } from "../src/http/app.ts";
import { DEFAULT_LIMITS } from "../src/limits.ts";

const text = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const dockerfile = text("Dockerfile");
const { spec } = parse(text("deploy/kserve.yaml"));
const [container] = spec.predictor.containers;
const api = createApi({ models: () => [], limits: DEFAULT_LIMITS, version: "0", log: () => {} });
const paths = api.routes.map(({ path }) => path);

test("the probes ask routes of the API, on the port that the image listens on", () => {
  const [, port] = /\bPORT=(\d+)/.exec(dockerfile) ?? [];
  expect(dockerfile).toContain(`EXPOSE ${port}\n`);
  expect(container.ports.map(({ containerPort }: { containerPort: number }) => containerPort)).toEqual([Number(port)]);
  for (const { httpGet } of [container.livenessProbe, container.readinessProbe]) {
    expect(paths).toContain(httpGet.path);
    expect(httpGet.port).toBe(Number(port));
  }
  expect(paths).toContain(/127\.0\.0\.1:\$\{process\.env\.PORT\}([\w/]+)/.exec(dockerfile)?.[1]);
});

test("the image runs what the package has, as no root, on the Node of the checks", () => {
  expect(dockerfile).toContain(`surprisal/${packageJson.bin.surprisal.replace("cli/main.js", "node/main.js")}`);
  expect(dockerfile.slice(dockerfile.lastIndexOf("FROM"))).toMatch(/^USER node$/m);
  expect(container.securityContext.runAsNonRoot).toBe(true);
  const major = packageJson.devDependencies.node.split(".")[0];
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
  expect(new Set(bases)).toEqual(new Set([`node:${major}-bookworm-slim`]));
  expect(container.image).toBe(`surprisal:${packageJson.version}`);
});
