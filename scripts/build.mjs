// npm run build: the AssemblyScript targets to build/*.wasm and TypeScript to dist/, as many at a
// time as the host has cores. A part whose inputs have not changed since the last build is skipped.
import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const STAMP = join(root, "build", "stamp.json");

function filesBelow(folder, suffix) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function digest(files) {
  const hash = createHash("sha256").update(process.version);
  for (const file of files) {
    hash.update(relative(root, file)).update("\0").update(readFileSync(file));
  }
  return hash.digest("hex");
}

function run(script, args) {
  const child = spawn(process.execPath, [script, ...args], { cwd: root, stdio: "inherit" });
  return new Promise((resolve) => {
    child.on("exit", (code) => {
      if (code === 0) return resolve();
      console.error(`build: ${relative(root, script)} ${args.join(" ")} failed`);
      process.exit(1);
    });
  });
}

/** Path of a command of an installed package, from its package.json. */
function command(name, bin) {
  const manifest = require.resolve(`${name}/package.json`);
  const { bin: bins } = JSON.parse(readFileSync(manifest, "utf8"));
  return join(dirname(manifest), typeof bins === "string" ? bins : bins[bin]);
}

mkdirSync(join(root, "build"), { recursive: true });
const stamp = existsSync(STAMP) ? JSON.parse(readFileSync(STAMP, "utf8")) : {};
const save = () => writeFileSync(STAMP, JSON.stringify(stamp, null, 2) + "\n");
const lock = join(root, "package-lock.json");

const config = JSON.parse(readFileSync(join(root, "asconfig.json"), "utf8"));
const assembly = filesBelow(join(root, "assembly"), ".ts");
const core = digest([join(root, "asconfig.json"), lock, ...assembly]);
const wanted = process.argv.slice(2);
/** What is out of date: its name in the stamp, the digest of its inputs, how to make it. */
const jobs = [];
for (const target of wanted.length ? wanted : Object.keys(config.targets)) {
  const out = join(root, config.targets[target].outFile ?? `build/${target}.wasm`);
  if (stamp[target] === core && existsSync(out)) continue;
  // A target is an engine (assembly/index.ts with another ENGINE) or has an entry file of its own.
  const own = join(root, "assembly", `${target}.ts`);
  const entry = existsSync(own) ? own : join(root, "assembly", "index.ts");
  const words = [relative(root, entry), "--config", "asconfig.json", "--target", target];
  jobs.push([target, core, () => run(command("assemblyscript", "asc"), words)]);
}

const host = digest([
  join(root, "tsconfig.json"), lock, ...filesBelow(join(root, "src"), ".ts"),
  join(root, "assembly", "abi.ts"), join(root, "assembly", "device", "map.ts"),
]);
if (stamp.host !== host || !existsSync(join(root, "dist", "src", "index.js"))) {
  const tsc = command("typescript", "tsc");
  jobs.push(["host", host, () => run(tsc, ["--project", "tsconfig.json"])]);
}

async function work() {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const [name, inputs, make] = job;
    await make();
    stamp[name] = inputs;
    save();
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
