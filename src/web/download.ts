/** Hands something to the visitor as a file. */
export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A file's name without what stands behind its last dot. */
export const stemOf = (name: string): string => name.replace(/\.[^.]*$/, "");
