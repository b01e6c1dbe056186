/** The package for Lambda, made as for a deployment, unpacked far from node_modules and called in processes of its own. */
import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { unzip } from "./zip.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
export const ZIP = join(root, ".serverless/surprisal.zip");
export const TEMPLATE = join(root, ".serverless/cloudformation-template-update-stack.json");

/** Makes the package, and returns the folder that it is unpacked to. */
export async function unpackedPackage(): Promise<string> {
  await promisify(execFile)("npm", ["run", "-s", "package:lambda"], { cwd: root });
  const folder = await mkdtemp(join(tmpdir(), "surprisal-lambda-"));
  for (const [path, bytes] of unzip(await readFile(ZIP))) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return folder;
}

export interface Called {
  call(event: unknown): Promise<unknown>;
  close(): void;
}

/** Starts a function, such as "src/entry/lambda", of an unpacked package. */
export async function start(folder: string, name: string, env: Record<string, string> = {}): Promise<Called> {
  const module = pathToFileURL(join(folder, `${name}.mjs`)).href;
  const child: ChildProcess = fork(fileURLToPath(new URL("lambda-runtime.ts", import.meta.url)), [module], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", ...env },
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"], // its log is not the tests'
  });
  await Promise.race([once(child, "message"), once(child, "exit").then(([code]) => failed(name, code))]);
  let last: Promise<unknown> = Promise.resolve();
  const one = async (event: unknown) => {
    child.send(event as object);
    const [{ result, error }] = (await once(child, "message")) as [{ result: unknown; error?: string }];
    if (error !== undefined) throw new Error(error);
    return result;
  };
  return {
    call(event) {
      last = last.catch(() => {}).then(() => one(event)); // Lambda gives a process one event at a time
      return last;
    },
    close: () => child.kill(),
  };
}

function failed(name: string, code: unknown): never {
  throw new Error(`${name} ended with ${code} before it was called.`);
}

interface Result {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

const TEXT = /^(text\/|application\/(json|javascript|xml|[\w.-]+\+json))/;

/** As API Gateway asks a function: a request as an event of payload version 2.0, its result as a response. */
export async function request({ call }: Called, path: string, init?: RequestInit): Promise<Response> {
  const request = new Request(new URL(path, "https://api.example.org"), init);
  const { method, headers } = request;
  const { pathname, search, host } = new URL(request.url);
  const bytes = Buffer.from(await request.arrayBuffer());
  const isText = TEXT.test(headers.get("content-type") ?? "") && Buffer.from(bytes.toString()).equals(bytes);
  const { statusCode, body, ...result } = (await call({
    version: "2.0",
    routeKey: "$default",
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: { ...Object.fromEntries(headers), host, "content-length": String(bytes.length) },
    requestContext: {
      accountId: "anonymous",
      domainName: host,
      stage: "$default",
      http: { method, path: pathname, protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "test" },
    },
    ...(bytes.length > 0 && { body: bytes.toString(isText ? "utf8" : "base64") }),
    isBase64Encoded: bytes.length > 0 && !isText,
  })) as Result;
  const content = Buffer.from(body, result.isBase64Encoded ? "base64" : "utf8");
  const empty = method === "HEAD" || [204, 304].includes(statusCode);
  return new Response(empty ? null : content, { status: statusCode, headers: result.headers });
}

export const remove = (folder: string): Promise<void> => rm(folder, { recursive: true });
