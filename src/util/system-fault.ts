/** What the operating system answers to a program -> a sentence for its user. */

const SENTENCES: Readonly<Record<string, string>> = {
  ENOENT: "There is no such file or folder.",
  ENOTDIR: "A part of its path is a file, not a folder.",
  EISDIR: "It is a folder, not a file.",
  EEXIST: "Something of this name is already there.",
  EACCES: "Permission denied.",
  EPERM: "Permission denied.",
  EROFS: "The file system is read-only.",
  ENOSPC: "The disk is full.",
  EDQUOT: "The disk quota is used up.",
  EFBIG: "It grew beyond the largest file that the system allows.",
  EMFILE: "Too many files are open.",
  ENAMETOOLONG: "The name is too long.",
  ELOOP: "Its symbolic links lead in a circle.",
};

/** The sentence for an error of a system call, without the path; undefined for any other error. */
export function systemFault(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error)) return undefined;
  const code = "code" in error ? String(error.code) : "";
  return SENTENCES[code] ?? `${error.message}.`;
}
