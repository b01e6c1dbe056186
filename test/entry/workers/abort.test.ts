import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_FOLDER } from "../../../src/entry/node/local.ts";
import { writeWav } from "../../../src/formats/wav.ts";
import { fileStore } from "../../../src/store/files.ts";
import { type BareWorkerd, startBareWorkerd } from "../../support/bare-workerd.ts";
import { randomRecording } from "../../support/models.ts";
import { requires } from "../../support/requires.ts";

let workerd: BareWorkerd;
const canMeasure = requires(process.platform === "linux", "CPU time of another process is read as Linux tells it");
beforeAll(async () => {
  const { models } = (await fileStore(DEFAULT_FOLDER).catalogue()).catalogue;
  workerd = await startBareWorkerd(
    DEFAULT_FOLDER,
    models.filter(({ id }) => id === "speech-short/gru"),
  );
});
afterAll(() => workerd?.close());

const body = writeWav({ samples: randomRecording(1, 8000 * 20), sampleRate: 8000 });

/** Sends the recording to be scored. */
async function ask(): Promise<Socket> {
  const socket = connect(workerd.port, "127.0.0.1");
  socket.write(
    `POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/wav\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  await new Promise((resolve) => socket.write(body, resolve));
  return socket;
}

test.skipIf(!canMeasure)("a client that leaves ends the work on its request", async () => {
  const answered = async () => {
    const socket = await ask();
    await once(socket, "data");
    socket.destroy();
  };
  await answered(); // the first also reads the model
  const [cpu, began] = [workerd.cpuMs(), performance.now()];
  await answered();
  const [wholeCpu, wholeMs] = [workerd.cpuMs() - cpu, performance.now() - began];
  const socket = await ask();
  await setTimeout(wholeMs / 10);
  const before = workerd.cpuMs();
  socket.resetAndDestroy();
  await setTimeout(wholeMs);
  expect(workerd.cpuMs() - before).toBeLessThan(wholeCpu / 3);
});
