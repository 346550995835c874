// npm run build:web [-- FOLDER]: the engine for a page, by default to dist/web: engine.js, its
// worker, the core, machines and images. Run npm run build first.
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

await build({
  root,
  configFile: false,
  logLevel: "warn",
  base: "./",
  publicDir: false,
  plugins: [page],
  worker: { format: "es", plugins: () => [page] },
  build: {
    outDir: out,
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    rolldownOptions: {
      input: { engine: join(root, "src", "web", "engine.ts") },
      // Built for Node: a page has no disassembler.
      external: ["iced-x86"],
      preserveEntrySignatures: "strict",
      output: { entryFileNames: "[name].js" },
    },
  },
});

cpSync(join(root, "build", "timing.wasm"), join(out, "timing.wasm"));
cpSync(join(root, "src", "machine", "presets"), join(out, "presets"), { recursive: true });
mkdirSync(join(out, "images"));
const prebuilt = join(root, "workloads", "prebuilt");
for (const file of readdirSync(prebuilt).filter((name) => name.endsWith(".elf"))) {
  cpSync(join(prebuilt, file), join(out, "images", file));
}
