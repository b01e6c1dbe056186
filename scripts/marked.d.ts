/** What is used of marked 4, the version that redoc has too, which brings no types. */
declare module "marked" {
  export function marked(markdown: string): string;
}
