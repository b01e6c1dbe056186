/** Starts the command line with Node's compile cache, for the program and on a Node that is new enough (see main.ts). */
import { enableCompileCache } from "node:module";

enableCompileCache(); // of what is imported from here on: the next start need not compile it
await import("./command-line.ts");
