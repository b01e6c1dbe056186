#!/usr/bin/env node
/** The program `surprisal`: starts the command line (command-line.ts). */
import { enableCompileCache } from "node:module";

enableCompileCache(); // of what is imported from here on: the next start need not compile it
await import("./command-line.ts");
