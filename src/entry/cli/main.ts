#!/usr/bin/env node
/**
 * The program `surprisal`: starts the command line, or says that Node is too old for it. This file is built for Node 12, since
 * an older Node would answer the rest with a SyntaxError.
 */
const NEEDED = 22; // as `engines` in package.json

if (Number(process.versions.node.split(".")[0]) < NEEDED) {
  console.error(
    `surprisal needs Node ${NEEDED} or newer; this is Node ${process.versions.node}. See https://nodejs.org`,
  );
  process.exitCode = 1;
} else {
  import("./start.ts");
}

export {}; // a module, which may import
