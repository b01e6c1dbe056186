/** `npm start`: the server, as the environment says. */
import { enableCompileCache } from "node:module";

enableCompileCache(); // of what is imported from here on: the next start need not compile it
const { SurprisalError } = await import("../../errors.ts");
const { listen } = await import("./server.ts");
const { portOf, settings } = await import("./local.ts");

const { port: setting, models, ...rest } = settings(process.env);
const port = portOf(setting);

if (port === undefined) console.error(`PORT is ${setting}; wanted 0 to 65535.`);
process.exitCode = port === undefined ? 2 : await listen(models, { ...rest, port }).catch(refuse);

/** A malformed setting is told in a sentence. */
function refuse(error: unknown): number {
  if (!(error instanceof SurprisalError)) throw error;
  console.error(error.message);
  return 2;
}
