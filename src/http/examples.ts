/** Puts the examples of examples.json into an OpenAPI document: once among its components, and where they belong by reference. */
import examples from "./examples.json" with { type: "json" };

/** A request of some operations and its answer. Of none, the answer stands for its status wherever that may come. */
export interface Example {
  readonly name: string;
  readonly summary: string;
  readonly operations: readonly string[];
  readonly request?: { readonly type: string; readonly value: unknown };
  readonly answer: { readonly status: number; readonly type: string; readonly value: unknown };
}

type Content = Record<string, { examples?: Record<string, { $ref: string }> }>;
interface Operation {
  readonly operationId?: string;
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}
interface Document {
  readonly components: { examples?: Record<string, unknown> };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Adds them in place. */
export function addExamples(document: object): void {
  const { components, paths } = document as Document;
  const all: readonly Example[] = examples;
  const added: Record<string, unknown> = {};
  components.examples = added;
  const refer = (content: Content | undefined, type: string, name: string, component: string) => {
    const media = content?.[type];
    if (media) media.examples = { ...media.examples, [name]: { $ref: `#/components/examples/${component}` } };
  };
  const described = Object.values(paths).flatMap((methods) => Object.values(methods));
  for (const { name, summary, operations, request, answer } of all) {
    const { status, type, value } = answer;
    added[`${name}Answer`] = { summary, value };
    if (request) added[`${name}Request`] = { summary, value: request.value };
    for (const { operationId = "", requestBody, responses } of described) {
      const isMeant = operations.includes(operationId);
      if (isMeant && request) refer(requestBody?.content, request.type, name, `${name}Request`);
      if (isMeant || operations.length === 0) refer(responses[status]?.content, type, name, `${name}Answer`);
    }
  }
}
