import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { createApi } from "../../src/http/app.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";

type Content = Record<string, { examples?: object }>;
interface Operation {
  readonly requestBody?: { readonly content: Content };
  readonly responses: Record<string, { readonly content?: Content }>;
}

const text = readFileSync(new URL("../../openapi.yaml", import.meta.url), "utf8");
const document = parse(text); // a validator puts what is referred to in the place of references

test("openapi.yaml is valid OpenAPI 3.1 with every reference found, by an independent validator", async () => {
  const validator = new Validator();
  expect(await validator.validate(document)).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
  expect(() => validator.resolveRefs()).not.toThrow();
  expect((await new Validator().validate({ ...document, paths: { score: {} } })).valid).toBe(false);
});

test("openapi.yaml describes every route of the API but itself, under /v1", () => {
  const api = createApi({ models: () => [], limits: DEFAULT_LIMITS, version: "0", log: () => {} });
  const routes = api.routes.filter(({ method }) => method !== "ALL").map(({ method, path }) => `${method} ${path}`);
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`),
  );
  expect(new Set(routes)).toEqual(new Set([...described, "GET /v2/", "GET /openapi.json", "GET /openapi.yaml"]));
  expect(document.servers.map(({ url }: { url: string }) => url)).toEqual(["/v1", "/"]);
});

test("every answer that is no success is a problem document, or what the Open Inference Protocol has in its place", () => {
  for (const [path, methods] of Object.entries<Record<string, { responses: object }>>(parse(text).paths)) {
    const wanted = path.startsWith("/v2")
      ? { "application/json": { schema: { $ref: "#/components/schemas/ProtocolError" } } }
      : { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } };
    for (const { responses } of Object.values(methods)) {
      for (const [status, { content }] of Object.entries(responses)) {
        if (Number(status) >= 400) expect(content).toMatchObject(wanted);
      }
    }
  }
});

test("every request and every answer has an example, but for the bytes of files", () => {
  const contents = Object.entries<Record<string, Operation>>(parse(text).paths).flatMap(([path, methods]) =>
    Object.values(methods).flatMap(({ requestBody, responses }) =>
      [requestBody, ...Object.values(responses)].flatMap((each) =>
        Object.entries(each?.content ?? {}).map(([type, { examples }]) => ({ path, type, examples })),
      ),
    ),
  );
  const without = contents.filter(({ examples, type }) => !examples && /json|form-data/.test(type));
  expect(without).toEqual([]);
  expect(contents.length).toBeGreaterThan(100);
});
