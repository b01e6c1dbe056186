/** A thread of the pool: requests as plain data -> answers, by an app of its own. pool.ts is the other side. */
import { workerData } from "piscina";
import { decode } from "../../formats/decoders.ts";
import { createApp } from "../../http/app.ts";
import { logFailure } from "../../http/log.ts";
import { loadRelease } from "../../store/load.ts";
import { once } from "../../util/once.ts";
import type { Answer, Served, Task } from "./pool.ts";

const app = once(async () => {
  const { release, kernel, limits, version } = workerData as Served;
  const { models } = await loadRelease(release, kernel);
  return createApp({
    models: () => models,
    limits,
    decode,
    version,
    log: logFailure,
  });
});

export default async function answer({ url, headers, body }: Task): Promise<Answer> {
  const init = body && {
    method: "POST",
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    body,
  };
  const response = await (await app()).fetch(new Request(url, init));
  return {
    status: response.status,
    headers: [...response.headers],
    body: new Uint8Array(await response.arrayBuffer()),
  };
}
