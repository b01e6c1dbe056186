/** `npm start`: the server with PORT, HOST and SURPRISAL_MODELS from the environment. */
import { listen } from "./listen.ts";
import { portOf, settings } from "./local.ts";

const { port: setting, models, ...rest } = settings(process.env);
const port = portOf(setting);

if (port === undefined) console.error(`PORT is ${setting}; wanted 0 to 65535.`);
process.exitCode = port === undefined ? 2 : await listen(models, { ...rest, port });
