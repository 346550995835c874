// npm run build:web [-- FOLDER]: what a browser needs, by default to dist/web: the page, the engine
// for other pages (engine.js), their worker, the cores, machines and images. Any static host will
// do: where it does not send the two headers of src/web/host.ts, a service worker of the page adds
// them (localhost or https). Run npm run build first.
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
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

/** iced-x86 as packed for Node reads its module from a file; a page fetches it. */
const iced = {
  name: "iced",
  enforce: "pre",
  transform(code, id) {
    if (!id.endsWith("/iced_x86.js")) return null;
    const end = code.indexOf("const path = require('path')");
    const found = code.slice(0, end).matchAll(/^module\.exports\.([A-Z]\w*) =/gm);
    const exported = [...new Set(Array.from(found, ([, name]) => name))];
    if (end < 0 || exported.length === 0) throw new Error("iced-x86 has another form: look at it");
    return `const module = { exports: {} };
      ${code.slice(0, end).replace(/^.*require\(`util`\);$/m, "")}
      const response = await fetch(new URL("iced_x86_bg.wasm", import.meta.url));
      wasm = (await WebAssembly.instantiate(await response.arrayBuffer(), imports))
        .instance.exports;
      ${exported.map((name) => `const own${name} = module.exports.${name};`).join("\n")}
      export { ${exported.map((name) => `own${name} as ${name}`).join(", ")} };`;
  },
};

/** The files of the core are looked for beside the script, so scripts are not in a folder. */
const names = { entryFileNames: "[name].js", chunkFileNames: "[name].js" };
/** A worker's chunks are not the page's, and must not take the place of those. */
const inWorker = { ...names, chunkFileNames: "[name]-[hash].js" };
const common = {
  configFile: false,
  logLevel: "warn",
  base: "./",
  publicDir: false,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [page, iced],
  worker: { format: "es", plugins: () => [page, iced], rolldownOptions: { output: inWorker } },
};
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
    rolldownOptions: {
      input: {
        index: join(root, "src", "web", "page", "index.html"),
        headers: join(root, "src", "web", "page", "headers.ts"),
      },
      output: { ...names, assetFileNames: "[name][extname]" },
    },
  },
});

for (const name of ["timing.wasm", "explore.wasm"]) {
  cpSync(join(root, "build", name), join(out, name));
}
const require = createRequire(import.meta.url);
cpSync(join(dirname(require.resolve("iced-x86")), "iced_x86_bg.wasm"),
  join(out, "iced_x86_bg.wasm"));
cpSync(join(root, "src", "machine", "presets"), join(out, "presets"), { recursive: true });
mkdirSync(join(out, "images"));
const prebuilt = join(root, "workloads", "prebuilt");
for (const file of readdirSync(prebuilt).filter((name) => name.endsWith(".elf"))) {
  cpSync(join(prebuilt, file), join(out, "images", file));
}
