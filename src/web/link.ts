/**
 * A link that holds a small file: in its fragment, which browsers send to no server, as base64url of raw DEFLATE (RFC 1951). Of a
 * larger file it holds the name, so that whoever opens it learns which file is meant.
 */

/** Characters of a fragment that mail and chat programs leave whole. */
const MAX_LINK = 8000;
/** Bytes of a file that a link is opened for: a few characters may claim any number. */
const MAX_FILE = 1_000_000;

export interface Fragment {
  readonly text: string; // with its #
  readonly holdsFile: boolean;
}

/** What stands behind the address of the page to lead to a file. */
export async function fragmentOf(file: File): Promise<Fragment> {
  const plain = { text: `#${new URLSearchParams({ name: file.name })}`, holdsFile: false };
  if (file.size > MAX_FILE) return plain;
  const packed = new Response(file.stream().pipeThrough(new CompressionStream("deflate-raw")));
  const bytes = await packed.arrayBuffer().catch(() => null); // it may have changed on the disk since it was chosen
  if (bytes === null || bytes.byteLength > MAX_LINK) return plain;
  const text = `${plain.text}&file=${base64url(new Uint8Array(bytes))}`;
  return text.length > MAX_LINK ? plain : { text, holdsFile: true };
}

/** What the fragment of a link holds: a file, or the name of the file that it was made for. */
export async function linked(fragment: string): Promise<File | string | null> {
  const values = new URLSearchParams(fragment.replace(/^#/, ""));
  const [name, packed] = [values.get("name"), values.get("file")];
  if (name === null) return null;
  if (packed === null) return name;
  try {
    const bytes = Uint8Array.from(atob(packed.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
    return new File(await unpacked(new Blob([bytes])), name);
  } catch {
    return name; // it was cut off on its way
  }
}

async function unpacked(packed: Blob): Promise<Uint8Array<ArrayBuffer>[]> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const reader = packed.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.length;
    if (size > MAX_FILE) throw new RangeError(`More than ${MAX_FILE} bytes.`);
    parts.push(part.value);
  }
  return parts;
}

const base64url = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (each) => String.fromCharCode(each)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
