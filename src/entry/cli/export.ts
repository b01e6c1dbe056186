/** `surprisal export`: a model of the store -> a file that other runtimes read. */
import { expected } from "../../errors.ts";
import { networksOf } from "../../model/model.ts";
import { onnxOf } from "../../model/onnx.ts";
import { selectModels } from "../../model/select.ts";
import { writeFileAtomically } from "../../store/atomic.ts";
import { UsageError, type Values } from "./arguments.ts";
import { loadedModels } from "./models.ts";

const FORMATS = ["onnx"];

/** Writes a model as a file, `<set>-<model>.onnx` unless named. */
export async function exportModel(
  setting: string,
  { format = "onnx", out }: Values,
  ids: readonly string[],
): Promise<number> {
  if (!FORMATS.includes(String(format))) {
    throw new UsageError(expected(`one of the formats ${FORMATS.join(", ")}`, String(format)));
  }
  if (ids.length !== 1) throw new UsageError(expected("one MODEL", ids.join(" ") || "none"));
  const chosen = selectModels(await loadedModels(setting, ids), ids);
  if (chosen.length !== 1)
    throw new UsageError(expected("the id of one model", `${ids[0]}, which names ${chosen.length}`));
  const [network, ...others] = networksOf(chosen[0]);
  if (others.length > 0) {
    const members = [network, ...others].map(({ id }) => id).join(", ");
    throw new UsageError(
      expected("a single network", `${chosen[0].id}, the average of ${members}; export each of them`),
    );
  }
  const path = typeof out === "string" ? out : `${network.id.replace("/", "-")}.onnx`;
  const bytes = onnxOf(network);
  await writeFileAtomically(path, bytes);
  console.log(`${path} ${bytes.length} bytes, ${network.id} sha256:${network.version}`);
  return 0;
}
