/**
 * Takes the picture of the page that README.md shows, docs/page.png: the tune with a wrong note. See browse.ts for what it needs.
 *
 *   node scripts/page.ts
 */
import { browse } from "./browse.ts";

const SIZE = { width: 1000, height: 1010 };
const RESULT = { x: 0, y: 255, width: 1000, height: 726 }; // below what can be chosen

await browse(async (browser, url) => {
  const page = await browser.newPage({ viewport: SIZE, colorScheme: "light" });
  await page.goto(`${url}/?sample=wrong-note`);
  await page.getByText("predicts it best").waitFor();
  const chart = page.getByRole("slider");
  for (let jump = 0; jump < 12 && !(await chart.getAttribute("aria-valuetext"))?.startsWith("B♭4"); jump++) {
    await page.getByRole("button", { name: "Next surprise" }).click();
  }
  await page.getByText("Keys it expected here").waitFor();
  await page.mouse.move(0, 0);
  await page.evaluate("scrollTo(0, 0)"); // jumps bring the notes into view
  await page.screenshot({ path: "docs/page.png", clip: RESULT });
});
