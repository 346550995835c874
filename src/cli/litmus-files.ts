// The .litmus files below some paths.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TestFile } from "../litmus/run.ts";

const SUFFIX = ".litmus";

/** A file as it was named, whatever its suffix; of a directory, all .litmus files in it. */
export interface Found {
  files: string[];
  /** Paths where there is nothing, a line each. */
  errors: string[];
}

export function findFiles(paths: readonly string[]): Found {
  const found: Found = { files: [], errors: [] };
  for (const path of paths) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) {
      found.errors.push(`${path}: there is no such file or directory`);
    } else if (!stat.isDirectory()) {
      found.files.push(path);
    } else {
      const below = readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith(SUFFIX))
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
        .sort();
      if (below.length === 0) found.errors.push(`${path}: there is no ${SUFFIX} file in it`);
      found.files.push(...below);
    }
  }
  return found;
}

/** Read one by one, when it is a file's turn; what cannot be read goes to `onError`. */
export function* readFiles(
  files: readonly string[], onError: (line: string) => void,
): Generator<TestFile> {
  for (const name of files) {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(name);
    } catch (error) {
      onError(`${name}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
      continue;
    }
    yield { name, bytes };
  }
}
