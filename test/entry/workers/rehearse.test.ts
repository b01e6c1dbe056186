import { afterEach, expect, test, vi } from "vitest";
import { rehearse } from "../../../src/entry/workers/rehearse.ts";
import { kernelModule } from "../../support/wasm.ts";

afterEach(() => vi.unstubAllGlobals());

const disallowed = () => {
  throw new Error("Disallowed operation called within global scope.");
};

const IDS = ["gru", "lstm", "mixture", "tanh"].flatMap((cell) => [`jsb/${cell}`, `jsb/${cell}-nade`]);

test("the rehearsal of an isolate goes all the way to an answer, without what a Worker may not do while it starts", async () => {
  vi.stubGlobal("setTimeout", disallowed);
  vi.stubGlobal("crypto", { subtle: crypto.subtle, randomUUID: disallowed, getRandomValues: disallowed });
  const answer = (await rehearse(kernelModule)) as Response;
  const { scores } = await answer.json();
  expect(scores.map(({ model }: { model: string }) => model).sort()).toEqual(IDS);
});
