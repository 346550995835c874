// node scripts/take-vectors.mjs: takes the golden vectors of test/isa/vectors anew from the
// processor underneath, and checks ours against them. Needs gcc on x86-64 Linux.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const vitest = join(dirname(require.resolve("vitest/package.json")), "vitest.mjs");
const options = {
  cwd: root, stdio: "inherit", env: { ...process.env, SMPBOX_TAKE_VECTORS: "1" },
};
const build = spawnSync(process.execPath, [join(root, "scripts", "build.mjs"), "flat"], options);
if (build.status !== 0) process.exit(1);
const words = [vitest, "run", "test/isa/vectors.test.ts"];
process.exit(spawnSync(process.execPath, words, options).status ?? 1);
