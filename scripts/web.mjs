// npm run web: the page on http://localhost:8080, with the headers that shared memory needs.
// Usage: node scripts/web.mjs [--port N]; npm run build:web comes first.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { preview } from "vite";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { port: { type: "string", default: "8080" } } });
const server = await preview({
  configFile: false,
  root,
  build: { outDir: join(root, "dist", "web") },
  preview: {
    port: Number(values.port),
    headers: {
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    },
  },
});
server.printUrls();
