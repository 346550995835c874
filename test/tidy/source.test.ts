// The style guide as a test: sizes, columns, import directions, banned constructs.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";

const root = packageRoot();
const LINES_MAX = 400;
const TABLE_LINES_MAX = 700;
const COLUMNS_MAX = 100;
/** Pure tables, and the one switch that runs instructions: a row or a case per opcode. */
const TABLES = new Set(["assembly/isa/opcodes.ts", "assembly/isa/run.ts"]);
/** The licence text and what npm writes. */
const AT_TOP = new Set([
  "CHANGELOG.md", "LICENSE", "NOTICE", "README.md", "asconfig.json", "package-lock.json",
  "package.json", "tsconfig.json", "tsconfig.test.json", "vitest.config.ts",
  "assembly", "build", "dist", "node_modules", "scripts", "src", "test", "workloads",
]);

function filesBelow(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

const assembly = filesBelow("assembly", /\.ts$/);
const source = filesBelow("src", /\.(ts|tsx|mjs)$/);
const tests = filesBelow("test", /\.ts$/);
const scripts = filesBelow("scripts", /\.mjs$/);
const guest = filesBelow("workloads", /\.(c|h|S)$/);
const shown = [...guest, ...filesBelow("workloads", /\.litmus$/)];
const text = (file: string) => readFileSync(join(root, file), "utf8");

/** Without comments. */
const codeOf = (file: string) => text(file).replace(/\/\/.*$|\/\*[\s\S]*?\*\//gm, "");

describe("sizes", () => {
  it.each([...assembly, ...source, ...tests, ...scripts, ...guest])("%s", (file) => {
    const lines = text(file).split("\n");
    const limit = TABLES.has(file) ? TABLE_LINES_MAX : LINES_MAX;
    expect(lines.length - 1, "lines").toBeLessThanOrEqual(limit);
    const wide = lines.flatMap((line, i) => (columns(line) > COLUMNS_MAX ? [i + 1] : []));
    expect(wide, `lines wider than ${COLUMNS_MAX} columns`).toEqual([]);
  });
});

/** Guest C is indented with tabs of eight. */
function columns(line: string): number {
  let column = 0;
  for (const letter of line) column = letter === "\t" ? (column | 7) + 1 : column + 1;
  return column;
}

/** A reader has this repository and nothing else. */
it("names no document or folder outside", () => {
  const names = /\b(design|machines|style|ux)\.md\b|\b(aio-cases|engine-notes)\b/;
  const outside = new RegExp(`${names.source}|the cases' specification|/work/|/root/`, "i");
  const prose = ["assembly", "workloads"].flatMap((folder) => filesBelow(folder, /\.md$/));
  const files = [...assembly, ...source, ...tests, ...scripts, ...guest, ...prose, "README.md"];
  const own = files.filter((file) => file !== "test/tidy/source.test.ts");
  expect(own.filter((file) => outside.test(text(file)))).toEqual([]);
});

it("has nothing else at the top", () => {
  const found = readdirSync(root).filter((name) => !name.startsWith(".") && !AT_TOP.has(name));
  expect(found).toEqual([]);
});

/** Folders in dependency order: a file imports only from its own folder and those before it. */
const CORE_ORDER = ["", "memory", "device", "isa", "explore", "machine", "index"];
/** Files at the top of assembly/ that are compiled; the others there are the base of everything. */
const ENTRIES = new Set([
  "index.ts", "explore.ts", "flat.ts", "reach.ts", "replay.ts", "stress.ts",
]);
const HOST_ORDER = ["core", "machine", "engine", "litmus", "cases", "report", "cli", "web"];

function layerOf(file: string, top: string, order: readonly string[]): number {
  const folder = dirname(relative(top, file)).split("/")[0];
  if (folder !== ".") return order.indexOf(folder);
  return ENTRIES.has(relative(top, file)) ? order.indexOf("index") : 0;
}

/** index.ts is the public face: it re-exports, and only the command line and the page use it. */
function hostLayer(file: string): number {
  if (file === "src/index.ts") return HOST_ORDER.indexOf("report");
  return layerOf(file, "src", HOST_ORDER);
}

function importsOf(file: string): string[] {
  const found = text(file).matchAll(/^\s*(?:import|export)\b[^;]*?from\s+"([^"]+)"/gms);
  const bare = text(file).matchAll(/^import\s+"([^"]+)"/gm);
  return [...found, ...bare].map((match) => match[1]);
}

function unusedImports(code: string): string[] {
  const lists = /^import \{([^}]*)\} from "[^"]+";$/gm;
  const names = [...code.matchAll(lists)].flatMap(([, list]) => list.split(","));
  const rest = code.replace(lists, "");
  return names.map((name) => name.trim())
    .filter((name) => name && !RegExp(`\\b${name}\\b`).test(rest));
}

it("sees an import that nothing uses", () => {
  expect(unusedImports('import { a, b } from "./c";\nab(b);')).toEqual(["a"]);
});

/** The command line, the host of the engine, and the folder of the package. */
const MAY_USE_NODE = new RegExp(`^src/(${[
  "cli/.*", "core/root", "engine/(host|files|disk-file|worker|capsule-file|explore-box)",
  "engine/litmus/(host|host-worker|native)",
].join("|")})\\.ts$`);

/** Files of the core that the host reads, too: nothing but constants. */
const CONSTANTS = ["assembly/abi.ts", "assembly/trace-kinds.ts", "assembly/device/map.ts"];

describe("import directions", () => {
  it.each(assembly)("%s", (file) => {
    for (const name of importsOf(file)) {
      expect(name.startsWith("."), `${name}: only files of the core`).toBe(true);
      const target = relative(root, resolve(root, dirname(file), name)) + ".ts";
      expect(assembly, name).toContain(target);
      const own = layerOf(file, "assembly", CORE_ORDER);
      expect(layerOf(target, "assembly", CORE_ORDER), name).toBeLessThanOrEqual(own);
    }
    // The compiler of the core does not say so; that of the host does.
    expect(unusedImports(codeOf(file)), "imported, not used").toEqual([]);
  });

  it.each(source)("%s", (file) => {
    const own = hostLayer(file);
    const folder = file.split("/")[1];
    expect(own, "an unknown folder").toBeGreaterThanOrEqual(0);
    for (const name of importsOf(file).filter((item) => item.startsWith("."))) {
      const target = relative(root, resolve(root, dirname(file), name));
      if (CONSTANTS.includes(target)) continue;
      // Shown as text, not run.
      if (folder === "web" && shown.some((path) => target === `${path}?raw`)) continue;
      expect(source, name).toContain(target);
      expect(hostLayer(target), name).toBeLessThanOrEqual(own);
    }
  });

  it.each(source)("%s keeps to its platform", (file) => {
    const folder = file.split("/")[1];
    const node = importsOf(file).filter((name) => name.startsWith("node:"));
    if (!MAY_USE_NODE.test(file)) expect(node).toEqual([]);
    if (folder !== "web") expect(codeOf(file)).not.toMatch(/\b(document|window|navigator)\./);
  });
});

/** A property of a call's result, changed in place. */
const CHANGED_RESULT =
  /([\w.]+)\((?:[^()]|\([^()]*\))*\)\.\w+\s*(?:(?:[-+*|&^]|<<|>>>?)=(?!=)|\+\+|--)/g;
/** Getters of a struct at an address: calling them twice changes nothing. */
const ADDRESSING = /^[A-Z]\w*\.(?:of|at)$/;

describe("the core", () => {
  it.each(assembly)("%s allocates nothing", (file) => {
    const code = codeOf(file);
    expect(code).not.toMatch(/\bnew\s+[A-Z]/);
    expect(code).not.toMatch(/=>/);
    for (const match of code.matchAll(/^(?:@inline\s+)?(?:export\s+)?class\s+(\w+)/gm)) {
      const before = code.slice(0, match.index).trimEnd();
      expect(before.endsWith("@unmanaged"), `class ${match[1]} is @unmanaged`).toBe(true);
    }
  });

  // asc evaluates the call of `f(x).y |= z` twice.
  it.each(assembly)("%s changes no property of a call's result", (file) => {
    const calls = [...codeOf(file).matchAll(CHANGED_RESULT)].filter(([, f]) => !ADDRESSING.test(f));
    expect(calls.map(([text]) => text)).toEqual([]);
  });

  // Static data is shared by all workers: it may hold tables, but nothing that is written. The
  // flat engine has one worker, and its port needs a line of its own.
  it.each(assembly)("%s keeps no buffer in static data", (file) => {
    if (file === "assembly/memory/flat-port.ts") return;
    expect(codeOf(file)).not.toMatch(/memory\.data\(/);
  });
});
