// npm run build:web [-- FOLDER]: what a browser needs, by default to dist/web: the page, the engine
// for other pages (engine.js), their worker, the core, machines and images. Any static host will do
// that sends the two headers of src/web/host.ts. Run npm run build first.
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = process.argv[2] ?? join(root, "dist", "web");

/** The host of the engine is a page. */
const page = {
  name: "page",
  enforce: "pre",
  async resolveId(name, importer) {
    if (!name.endsWith("/host.ts")) return null;
    const found = await this.resolve(name, importer, { skipSelf: true });
    return found?.id === join(root, "src", "engine", "host.ts")
      ? join(root, "src", "web", "host.ts")
      : null;
  },
};

const common = {
  configFile: false,
  logLevel: "warn",
  base: "./",
  publicDir: false,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [page],
  worker: { format: "es", plugins: () => [page] },
};
/** The files of the core are looked for beside the script, so scripts are not in a folder. */
const names = { entryFileNames: "[name].js", chunkFileNames: "[name].js" };
/** Built for Node: a page has no disassembler. */
const external = ["iced-x86"];

await build({
  ...common,
  root,
  build: {
    outDir: out,
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    rolldownOptions: {
      input: { engine: join(root, "src", "web", "engine.ts") },
      external,
      preserveEntrySignatures: "strict",
      output: names,
    },
  },
});
await build({
  ...common,
  root: join(root, "src", "web", "page"),
  build: {
    outDir: out,
    emptyOutDir: false,
    target: "es2022",
    modulePreload: false,
    rolldownOptions: { external, output: { ...names, assetFileNames: "[name][extname]" } },
  },
});

cpSync(join(root, "build", "timing.wasm"), join(out, "timing.wasm"));
cpSync(join(root, "src", "machine", "presets"), join(out, "presets"), { recursive: true });
mkdirSync(join(out, "images"));
const prebuilt = join(root, "workloads", "prebuilt");
for (const file of readdirSync(prebuilt).filter((name) => name.endsWith(".elf"))) {
  cpSync(join(prebuilt, file), join(out, "images", file));
}
