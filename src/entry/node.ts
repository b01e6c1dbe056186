/** `npm start`: the server with PORT, HOST and SURPRISAL_MODELS from the environment. */
import { listen } from "./listen.ts";
import { DEFAULT_FOLDER, portOf } from "./local.ts";

const { PORT, HOST = "127.0.0.1", SURPRISAL_MODELS = DEFAULT_FOLDER } = process.env;
const port = portOf(PORT);

if (port === undefined) console.error(`PORT is ${PORT}; wanted 0 to 65535.`);
process.exitCode = port === undefined ? 2 : await listen(SURPRISAL_MODELS, { port, host: HOST });
