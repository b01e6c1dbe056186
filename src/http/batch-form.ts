/** multipart/form-data with many files -> the files, as they arrive. Its other fields are options of the files after them. */
import { parseMultipartStream } from "@remix-run/multipart-parser";
import { expected, SurprisalError } from "../errors.ts";
import { type Limits, MAX_PARTS } from "../limits.ts";
import { ScoreOptions } from "../schema/options.ts";
import type { Item } from "./batch-lines.ts";
import type { BodyStream } from "./body-stream.ts";
import { parse } from "./fault.ts";
import { boundaryOf, fileName, partOf, textOf } from "./form.ts";

/** @throws SurprisalError `malformed-request` when it is no form, or its options are wrong. */
export async function* filesOfForm(
  body: BodyStream,
  contentType: string,
  query: ScoreOptions,
  { bodyBytes }: Limits,
): AsyncGenerator<Item[], void> {
  const boundary = boundaryOf(contentType);
  const unlimited = { maxParts: Number.POSITIVE_INFINITY, maxTotalSize: Number.POSITIVE_INFINITY };
  const fields: Record<string, string> = Object.create(null);
  let options: ScoreOptions = query;
  const parts = parseMultipartStream(streamOf(body), { boundary, maxFileSize: bodyBytes, ...unlimited });
  try {
    for await (const each of parts) {
      const part = partOf(each);
      body.restart();
      if (!part.isFile) {
        fields[part.name] = textOf(part);
        if (Object.keys(fields).length > MAX_PARTS) throw malformed(expected(`at most ${MAX_PARTS} options`, "more"));
        options = { ...query, ...parse(ScoreOptions, fields) };
        continue;
      }
      if (part.name !== "file") throw malformed(expected("files in fields named file", part.name.slice(0, 40)));
      const name = fileName(part.filename);
      yield [
        {
          file: { form: "file", bytes: part.bytes, type: part.type, name },
          options: { ...(name !== undefined && { id: name }), ...options },
        },
      ];
    }
  } catch (cause) {
    if (cause instanceof SurprisalError) throw cause;
    const wanted = `a form of files of at most ${bodyBytes} bytes that ends with its boundary`;
    throw malformed(expected(wanted, "another one"), cause);
  }
}

function streamOf(body: BodyStream): ReadableStream<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

const malformed = (sentence: string, cause?: unknown) => new SurprisalError("malformed-request", sentence, { cause });
