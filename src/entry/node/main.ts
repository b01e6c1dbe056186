/** `npm start`: the server, with the settings of the environment. */
import { enableCompileCache } from "node:module";

enableCompileCache(); // of what is imported from here on: the next start need not compile it
const { expected, SurprisalError } = await import("../../errors.ts");
const { listen } = await import("./server.ts");
const { portOf, settings } = await import("./local.ts");

async function main(): Promise<number> {
  const { port: setting, ...rest } = settings(process.env);
  const port = portOf(setting);
  if (port !== undefined) return listen({ ...rest, port });
  throw new SurprisalError("malformed-request", expected("PORT from 0 to 65535", setting));
}

process.exitCode = await main().catch(refuse);

/** A malformed setting is the operator's to mend, so it gets a sentence and no stack trace. */
function refuse(error: unknown): number {
  if (!(error instanceof SurprisalError)) throw error;
  console.error(error.message);
  return 2;
}
