/**
 * Answers the Open Inference Protocol by the same models, limits and inference as the other routes. A name in a path has no
 * slash, so a model's is its id with two hyphens in place of it; no part of an id has two in a row.
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { expected, SurprisalError } from "../../errors.ts";
import type { Model } from "../../model/model.ts";
import { taggedVersion } from "../../model/music-model.ts";
import { unknownModel } from "../../model/select.ts";
import type { ModelMetadata } from "../../schema/protocol.ts";
import type { Work } from "../../util/work.ts";
import { readBody } from "../body.ts";
import { type Deps, type Env, offersOf } from "../deps.ts";
import { describe } from "../fault.ts";
import type { Facts } from "../record.ts";
import { countJson } from "../request.ts";
import { modelsOfTokens } from "../score.ts";
import { infer, tensorsOf } from "./infer.ts";
import {
  inferRoute,
  inferVersionRoute,
  modelMetadataRoute,
  modelNamesRoute,
  modelReadyRoute,
  modelVersionMetadataRoute,
  modelVersionReadyRoute,
  serverLiveRoute,
  serverMetadataRoute,
  serverReadyRoute,
} from "./routes.ts";
import { readInference, writeInference } from "./tensors.ts";

/** What a path names. */
interface Named {
  readonly name: string;
  readonly version?: string;
}

const nameOf = (id: string): string => id.replace("/", "--");

const NOT_STORED = { "Cache-Control": "no-store" };
const REVALIDATED = { "Cache-Control": "no-cache" };

const LENGTH_OF_JSON = "Inference-Header-Content-Length";

/**
 * Adds the routes.
 * @param workOf opens the work of a request whose body was so many bytes as it was sent
 * @param checkReady throws when there is nothing to serve, or no room
 */
export function addProtocol(
  api: OpenAPIHono<Env>,
  deps: Pick<Deps, "models" | "offers" | "limits" | "version">,
  workOf: (request: Request, sentBytes: number, facts: Facts) => Work,
  checkReady: () => Promise<unknown>,
): void {
  const metadata = { name: "surprisal", version: deps.version, extensions: ["binary_tensor_data"] };
  api.openapi(serverMetadataRoute, (c) => c.json(metadata, 200, REVALIDATED));
  api.get("/v2/", (c) => c.json(metadata, 200, REVALIDATED)); // as the protocol's own OpenAPI document has it
  api.openapi(serverLiveRoute, (c) => c.json({ live: true as const }, 200, NOT_STORED));
  api.openapi(serverReadyRoute, async (c) => {
    await checkReady();
    return c.json({ live: true as const, ready: true as const }, 200, NOT_STORED);
  });
  api.openapi(modelNamesRoute, async (c) => {
    const offers = await offersOf(deps);
    return c.json({ models: offers.map(({ id }) => nameOf(id)) }, 200, REVALIDATED);
  });

  /** The model that a path names, and others that are of use with it. @param tokens of states, which may be of any model */
  const modelsOf = async ({ name, version }: Named, tokens: readonly string[] = []) => {
    const offers = await offersOf(deps);
    const offer = offers.find(({ id }) => nameOf(id) === name);
    if (!offer) throw unknownModel(name, offers, nameOf);
    const models = await modelsOfTokens(tokens, [offer.id], deps);
    const model = models.find(({ id }) => id === offer.id);
    if (!model) throw unknownModel(name, offers, nameOf); // it was taken away meanwhile
    const own = taggedVersion(model.version);
    if (version === undefined || version === own) return { model, models };
    throw new SurprisalError("unknown-model", expected(`version ${own} of ${name}`, describe(version)));
  };
  const modelOf = async (named: Named) => (await modelsOf(named)).model;
  api.openapi(modelMetadataRoute, async (c) =>
    c.json(metadataOf(await modelOf(c.req.valid("param"))), 200, REVALIDATED),
  );
  api.openapi(modelVersionMetadataRoute, async (c) =>
    c.json(metadataOf(await modelOf(c.req.valid("param"))), 200, REVALIDATED),
  );
  const ready = ({ id }: Model) => ({ name: nameOf(id), ready: true as const });
  api.openapi(modelReadyRoute, async (c) => c.json(ready(await modelOf(c.req.valid("param"))), 200, NOT_STORED));
  api.openapi(modelVersionReadyRoute, async (c) => c.json(ready(await modelOf(c.req.valid("param"))), 200, NOT_STORED));

  const answer = async (c: Context<Env>, named: Named) => {
    const { limits } = deps;
    const { bytes, sentBytes } = await readBody(c.req.raw, limits, c.get("share"));
    const facts = c.get("facts");
    const work = workOf(c.req.raw, sentBytes, facts);
    await countJson(bytes.length, work);
    const { request, tensors } = readInference(bytes, c.req.header(LENGTH_OF_JSON), limits);
    const states = tensors.flatMap(({ name, datatype, values }) =>
      name === "state" && datatype === "BYTES" ? values : [],
    );
    const { model, models } = await modelsOf(named, states);
    Object.assign(facts, { kind: model.kind, models: [model.id] });
    const { binary_data_output: isBinary = false, adaptive } = request.parameters ?? {};
    const asked = request.outputs?.map(({ name }) => name);
    const { outputs, readings } = await infer(model, tensors, { outputs: asked, adaptive }, { models, limits, work });
    facts.readings = readings;
    const own = new Map(request.outputs?.map(({ name, parameters }) => [name, parameters?.binary_data]));
    const { body, headerLength } = writeInference(
      {
        model_name: nameOf(model.id),
        model_version: taggedVersion(model.version),
        ...(request.id !== undefined && { id: request.id }),
      },
      outputs,
      (name) => own.get(name) ?? isBinary,
    );
    const type = headerLength === undefined ? "application/json" : "application/octet-stream";
    const length = headerLength !== undefined && { [LENGTH_OF_JSON]: String(headerLength) };
    return c.body(body, 200, { ...NOT_STORED, "Content-Type": type, ...length });
  };
  api.openapi(inferRoute, (c) => answer(c, c.req.valid("param")));
  api.openapi(inferVersionRoute, (c) => answer(c, c.req.valid("param")));
}

function metadataOf(model: Model): ModelMetadata {
  const { inputs, outputs } = tensorsOf(model);
  const [, ...optional] = inputs.map(({ name }) => name);
  return {
    name: nameOf(model.id),
    versions: [taggedVersion(model.version)],
    platform: "surprisal_safetensors",
    inputs,
    outputs,
    properties: {
      id: model.id,
      kind: model.kind,
      optionalInputs: optional.join(),
      ...(model.kind === "music"
        ? { framesPerQuarter: String(model.framesPerQuarter) }
        : { sampleRate: String(model.sampleRate) }),
    },
  };
}
