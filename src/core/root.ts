// Where the package is installed: build/, workloads/ and the presets are found from here, whether
// this file runs from src/ (under the test runner) or from dist/src/.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

let root: string | undefined;

export function packageRoot(): string {
  if (root !== undefined) return root;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const up = dirname(folder);
    if (up === folder) throw new Error("package.json not found above the installed files");
    folder = up;
  }
  root = folder;
  return folder;
}
