/** The built server with the shipped models and a browser, for scripts that look at the page. Needs `npm run build` and Chromium. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Browser, chromium } from "playwright-core";

const { CHROMIUM = "/usr/bin/chromium" } = process.env; // Debian's package chromium

/** Starts both, and stops them after the work. @param work gets the address of the page */
export async function browse(work: (browser: Browser, url: string) => Promise<void>): Promise<void> {
  const server = spawn(process.execPath, ["dist/entry/node/main.js"], { env: { ...process.env, PORT: "0", HOST: "" } });
  try {
    let said = "";
    for await (const chunk of server.stdout) {
      said += chunk;
      if (said.includes("Models: ")) break; // all are loaded
    }
    const [url] = /http:\/\/[\d.:]+\d/.exec(said) ?? [""];
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] }); // it may run as root
    try {
      await work(browser, url);
    } finally {
      await browser.close();
    }
  } finally {
    server.kill();
    await once(server, "close");
  }
}
