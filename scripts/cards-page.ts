/** models/README.md, the cards of the models -> a page that stands by itself, for the page's visitors. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { marked } from "marked";

/** @param folder of the models, with the cards and the pictures that they show */
export async function cardsPage(folder: string): Promise<string> {
  const text = await readFile(join(folder, "README.md"), "utf8");
  // Other files of the repository are not served.
  const body = marked(text.replace(/^<!--.*-->\n/, "").replace(/\[([^\]]*)\]\(\.\.\/[^)]*\)/g, "$1"));
  const names = [...new Set([...body.matchAll(/src="([\w-]+\.svg)"/g)].map(([, name]) => name))];
  const pictures = await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const));
  // The page's policy allows pictures within the document alone.
  const whole = pictures.reduce(
    (html, [name, bytes]) =>
      html.replaceAll(`src="${name}"`, `src="data:image/svg+xml;base64,${bytes.toString("base64")}"`),
    body,
  );
  let tables = 0;
  const scrollable = whole
    .replaceAll("<table>", () => `<section class="wide" aria-label="Table ${++tables}" tabindex="0"><table>`)
    .replaceAll("</table>", "</table></section>");
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>surprisal: the models</title>
    <link rel="stylesheet" href="../page.css" />
  </head>
  <body class="cards">
    <header><a class="brand" href="../">surprisal</a></header>
    <main>
${scrollable}
    </main>
    <footer><p>These are the models that come with surprisal. What a server has, it lists at <code>/v1/models</code>.</p></footer>
  </body>
</html>
`;
}
