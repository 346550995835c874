// The .litmus files below some paths.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { TestFile } from "../litmus/run.ts";

const SUFFIX = ".litmus";
/** As herdtools7 has it: a file with the names of others. */
const LIST = "@";
const COMMENT = "#";

/**
 * A file as it was named, whatever its suffix; of a directory, all .litmus files in it; of @FILE,
 * those that its lines name, from its own directory.
 */
export interface Found {
  files: string[];
  /** Paths where there is nothing, a line each. */
  errors: string[];
}

export function findFiles(paths: readonly string[], lists = new Set<string>()): Found {
  const found: Found = { files: [], errors: [] };
  for (const path of paths) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat && path.startsWith(LIST)) {
      const { files, errors } = filesOfList(path.slice(LIST.length), lists);
      found.files.push(...files);
      found.errors.push(...errors);
    } else if (!stat) {
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

/** `lists`: those that were read, so that one which names itself has an end. */
function filesOfList(list: string, lists: Set<string>): Found {
  if (lists.has(resolve(list))) return { files: [], errors: [] };
  lists.add(resolve(list));
  let text: string;
  try {
    text = readFileSync(list, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { files: [], errors: [`${LIST}${list}: cannot be read (${code})`] };
  }
  const names = text.split("\n").map((line) => line.trim())
    .filter((line) => line && !line.startsWith(COMMENT));
  const from = (name: string) => isAbsolute(name) ? name : join(dirname(list), name);
  return findFiles(names.map((name) =>
    name.startsWith(LIST) ? `${LIST}${from(name.slice(LIST.length))}` : from(name)), lists);
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
