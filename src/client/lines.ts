/** An answer in newline-delimited JSON -> its values, as they come. */
import { ConnectionError } from "./errors.ts";

/** A line without its end is one that broke off, and is left out. @throws ConnectionError when the connection breaks */
export async function* linesOf<T>({ body }: Response): AsyncGenerator<T, void> {
  if (!body) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let begun: string[] = []; // parts of a line: it may be long, and is joined once
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      const [first, ...rest] = decoder.decode(value, { stream: true }).split("\n");
      begun.push(first);
      for (const part of rest) {
        const line = begun.join("");
        if (line.trim() !== "") yield JSON.parse(line);
        begun = [part];
      }
    }
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new ConnectionError("The answer broke off.", { cause });
  } finally {
    await reader.cancel().catch(() => {}); // also when nobody reads on
  }
}
