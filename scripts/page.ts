/**
 * Takes the picture of the page that README.md shows, docs/page.png: the built server with the tune that has a wrong note.
 * Needs `npm run build` and Chromium (Debian's package chromium, or the variable CHROMIUM).
 *
 *   node scripts/page.ts
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chromium } from "playwright-core";

const { CHROMIUM = "/usr/bin/chromium" } = process.env;
const SIZE = { width: 1000, height: 1010 };

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
    const page = await browser.newPage({ viewport: SIZE, colorScheme: "light" });
    await page.goto(`${url}/?sample=wrong-note`);
    await page.getByRole("figure").waitFor();
    const chart = page.getByRole("slider");
    for (let jump = 0; jump < 12 && !(await chart.getAttribute("aria-valuetext"))?.startsWith("B♭4"); jump++) {
      await page.getByRole("button", { name: "Next surprise" }).click();
    }
    await page.mouse.move(0, 0);
    await page.screenshot({ path: "docs/page.png" });
  } finally {
    await browser.close();
  }
} finally {
  server.kill();
  await once(server, "close");
}
