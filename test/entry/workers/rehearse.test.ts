import { expect, test } from "vitest";
import { rehearse } from "../../../src/entry/workers/rehearse.ts";
import { kernelModule } from "../../support/wasm.ts";

test("the rehearsal of an isolate goes all the way to an answer", async () => {
  const answer = await rehearse(kernelModule);
  const { scores } = await (answer as Response).json();
  const cells = ["gru", "lstm", "tanh"];
  expect(scores.map(({ model }: { model: string }) => model).sort()).toEqual(
    [...cells.flatMap((cell) => [`jsb/${cell}`, `jsb/${cell}-nade`]), "jsb/mixture", "jsb/mixture-nade"].sort(),
  );
});
