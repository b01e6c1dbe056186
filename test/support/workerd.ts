/** Workers in a real workerd, by wrangler: nothing leaves the machine, and ports are free ones. */
import { fileURLToPath } from "node:url";
import { createTestHarness } from "wrangler";
import type { R2Binding } from "../../src/store/r2.ts";

process.env.WRANGLER_SEND_METRICS = "false";
process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false"; // where a request comes from

/** The binding as the tests use it, from Node. */
export interface TestBinding extends R2Binding {
  delete(key: string): Promise<void>;
}

export interface Workerd {
  readonly url: URL;
  /** The bucket MODELS, empty at first. */
  readonly binding: TestBinding;
  close(): Promise<void>;
}

type Input = NonNullable<Parameters<typeof createTestHarness>[0]>["workers"][number];

/** Starts a Worker with the binding MODELS; paths are from the project's top. */
export async function startWorkerd(worker: Input): Promise<Workerd> {
  const server = createTestHarness({ root: fileURLToPath(new URL("../..", import.meta.url)), workers: [worker] });
  const { url } = await server.listen();
  const { MODELS: binding } = await server.getWorker<{ MODELS: TestBinding }>().getEnv();
  return { url, binding, close: () => server.close() };
}
