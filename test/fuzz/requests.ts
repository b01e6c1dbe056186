/** Requests whose JSON, form, query or headers are wrong in places. */
import fc from "fast-check";
import { bake, type Recipe, recipe, type Seed } from "./recipe.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** Anything that JSON can say, and text that has done harm elsewhere. */
const wild = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    "",
    "__proto__",
    "constructor",
    "jsb/gru",
    "../../etc/passwd",
    "%00",
    "\u0000",
    "\ud800",
    "1e999",
    "-0",
  ),
  fc.constantFrom<unknown>(1e308, -1e308, 5e-324, 2 ** 53, -1, 0.5, 128, 1e21),
);

const pitches = fc.array(fc.integer({ min: 1, max: 127 }), { maxLength: 6 });
const roll = fc.array(pitches, { minLength: 1, maxLength: 12 });
const samples = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 200 });

/** Options as they should be; each is now and then something else. */
const OPTIONS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  models: fc.constantFrom<unknown>(
    "jsb/gru",
    "jsb/*",
    "*/*",
    ["jsb/gru", "*/lstm"],
    "none/such",
    "*",
    "speech-short/gru",
  ),
  transpose: fc.constantFrom<unknown>("auto", 0, -12, 127, "5"),
  channels: fc.constantFrom<unknown>([1], "1,2", [16, 16]),
  tracks: fc.constantFrom<unknown>([1], "2", [65_535]),
  programs: fc.constantFrom<unknown>([1], "128"),
  pedal: fc.constantFrom<unknown>(true, "false", "true"),
  framesPerQuarter: fc.constantFrom<unknown>(1, 1 / 64, 1024, "2"),
  id: fc.string(),
  detail: fc.constantFrom("none", "frames", "notes", "comparison"),
  state: fc.base64String(),
  steps: fc.constantFrom<unknown>(1, 8, "2"),
  temperature: fc.constantFrom<unknown>(0.01, 1, 10, "0.5"),
  seed: fc.constantFrom<unknown>(0, 1, 2 ** 32 - 1),
};
const anyOption = fc.oneof(...Object.entries(OPTIONS).map(([name, value]) => fc.tuple(fc.constant(name), value)));
const wrongOption = fc.tuple(fc.oneof(fc.constantFrom(...Object.keys(OPTIONS)), fc.string()), wild);
const options = fc.array(fc.oneof({ weight: 6, arbitrary: anyOption }, { weight: 1, arbitrary: wrongOption }), {
  maxLength: 4,
});

interface Parts {
  readonly path: string;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly query: readonly (readonly [string, unknown])[];
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

/** Bytes with a few changes, mostly none. */
const damaged = (bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array<ArrayBuffer>> =>
  fc
    .tuple(
      bytes,
      fc.oneof(
        { weight: 2, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: recipe([{ name: "", bytes: Uint8Array.of() }], 3).map(({ changes }) => changes) },
      ),
    )
    .map(([whole, changes]) => bake([{ name: "body", bytes: whole }], { seed: 0, changes }));

function jsonBody(files: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const base64 = files.map((bytes) => Buffer.from(bytes).toString("base64"));
  const content = fc.oneof(
    roll.map((pianoRoll) => ({ pianoRoll })),
    fc.record({ samples, sampleRate: fc.constantFrom<unknown>(8000, 44_100, 999, 768_000) }),
    base64.map((midi) => ({ midi })),
    base64.map((audio) => ({ audio })),
    wild.map((pianoRoll) => ({ pianoRoll })),
    fc.record({ samples: wild, sampleRate: wild }),
  );
  const whole = fc.tuple(content, options).map(([fields, more]) => ({ ...fields, ...Object.fromEntries(more) }));
  const text = fc
    .oneof({ weight: 8, arbitrary: whole }, { weight: 1, arbitrary: wild })
    .map((value) => JSON.stringify(value) ?? "");
  return damaged(text.map(encode));
}

const BOUNDARY = "----fuzz";

function formBody(files: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const file = fc
    .tuple(fc.constantFrom("file", "file", "midi", ""), files, fc.string())
    .map(([name, bytes, fileName]) => part(`name="${name}"; filename="${fileName}"`, bytes));
  const field = fc.oneof(anyOption, wrongOption).map(([name, value]) => part(`name="${name}"`, encode(textOf(value))));
  const parts = fc.array(fc.oneof({ weight: 2, arbitrary: file }, { weight: 1, arbitrary: field }), { maxLength: 4 });
  return damaged(
    parts.map((each) => Uint8Array.from([...each.flatMap((bytes) => [...bytes]), ...encode(`--${BOUNDARY}--\r\n`)])),
  );
}

const part = (disposition: string, bytes: Uint8Array) =>
  Buffer.concat([
    encode(`--${BOUNDARY}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`),
    bytes,
    encode("\r\n"),
  ]);

const textOf = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

const TYPES = [
  "application/json",
  "application/json; charset=utf-16",
  "application/vnd.x+json",
  `multipart/form-data; boundary=${BOUNDARY}`,
  `multipart/form-data; boundary="${BOUNDARY}"`,
  "multipart/form-data",
  "application/x-www-form-urlencoded",
  "text/plain",
  "audio/midi",
  "",
];
const header = fc.oneof(
  fc.tuple(fc.constant("Content-Encoding"), fc.constantFrom("gzip", "deflate", "br", "identity", "x")),
  fc.tuple(
    fc.constant("Accept"),
    fc.constantFrom("audio/midi", "audio/wav", "*/*;q=0", "text/html", "application/json;q=x"),
  ),
  fc.tuple(fc.constant("If-None-Match"), fc.constantFrom("*", '"x"', 'W/"', "")),
  fc.tuple(fc.constant("X-Request-Id"), fc.string({ unit: "grapheme-ascii" })),
  fc.tuple(fc.constantFrom("Origin", "Content-Length", "Accept-Encoding"), fc.string({ unit: "grapheme-ascii" })),
);
const path = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("/v1/score", "/v1/predict", "/score", "/predict") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("/v1/models", "/v1/models/jsb/gru", "/v1/health/ready", "/health/live", "/openapi.json"),
  },
  { weight: 1, arbitrary: fc.webPath() },
  { weight: 1, arbitrary: fc.string().map((text) => `/v1/models/${text}`) },
);
const method = fc.oneof(
  { weight: 9, arbitrary: fc.constant("POST") },
  { weight: 1, arbitrary: fc.constantFrom("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH") },
);

export function anyRequest({ midi, audio }: { midi: readonly Seed[]; audio: readonly Seed[] }): fc.Arbitrary<Parts> {
  const seeds = [...midi, ...audio.filter(({ bytes }) => bytes.length < 8000)];
  const files = recipe(seeds, 2).map((how: Recipe): Uint8Array => bake(seeds, how));
  const typed = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant(TYPES[0]), jsonBody(files)) },
    { weight: 4, arbitrary: fc.tuple(fc.constant(TYPES[3]), formBody(files)) },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.constantFrom(...TYPES),
        fc.oneof(jsonBody(files), formBody(files), fc.constant(undefined)),
      ),
    },
  );
  return fc
    .record({ path, method, typed, headers: fc.array(header, { maxLength: 2 }), query: options })
    .map(({ typed: [type, body], headers, query, ...rest }) => ({
      ...rest,
      headers: [...(type === "" ? [] : [["Content-Type", type] as const]), ...headers],
      query: rest.path.endsWith("e") ? query.slice(0, 1) : query,
      body: ["GET", "HEAD"].includes(rest.method) ? undefined : body,
    }));
}

export function requestOf({ path, method, headers, query, body }: Parts): Request {
  const url = new URL("http://localhost");
  url.pathname = path;
  for (const [name, value] of query) url.searchParams.append(name, textOf(value));
  return new Request(url, { method, headers: headers.map(([name, value]) => [name, value]), ...(body && { body }) });
}
