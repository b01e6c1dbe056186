/** Node in the versions that the package runs on: the one that runs the tests, and the oldest of `engines`. */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The platform's package of the npm package `node`: its binary, without the install script of `node` itself. */
const { platform, arch } = process;
const name = `${platform === "darwin" && arch === "arm64" ? "node-bin" : "node"}-${platform === "win32" ? "win" : platform}-${arch}`;

/** Installs a release line of Node, such as 22, below a folder. @returns the path of its binary */
export async function installNode(line: number, folder: string): Promise<string> {
  const prefix = join(folder, `node-${line}`);
  await mkdir(prefix, { recursive: true });
  await run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--prefix", prefix, `${name}@${line}`]);
  return join(prefix, "node_modules", name, "bin", platform === "win32" ? "node.exe" : "node");
}

// node test/support/nodes.ts 22 FOLDER: prints the path.
if (import.meta.main) console.log(await installNode(Number(process.argv[2]), process.argv[3]));
