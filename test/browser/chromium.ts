// A page in headless Chromium: a server on a free port, which gives it the bundle and takes its
// answer.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";

const ANSWER_MS = 600_000;
const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const TYPES: Record<string, string> = {
  ".html": "text/html", ".js": "text/javascript", ".json": "application/json",
  ".wasm": "application/wasm",
};

/** The command of a Chromium, if there is one. */
export function findChromium(): string | undefined {
  return NAMES.find((name) => spawnSync(name, ["--version"]).status === 0);
}

/** Opens `page` with the files of `folder` beside it and `jobs` at /jobs; what it POSTs back. */
export async function answerOf(
  chromium: string, folder: string, page: string, jobs: unknown,
): Promise<unknown> {
  let answered: (body: unknown) => void = () => undefined;
  const answer = new Promise<unknown>((resolve) => (answered = resolve));
  const server = createServer((request, response) => {
    // Without these a page has no shared memory.
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    const path = normalize(new URL(request.url ?? "/", "http://host").pathname);
    if (path === "/answer") {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        response.end();
        answered(JSON.parse(Buffer.concat(parts).toString()));
      });
      return;
    }
    try {
      const file = path === "/" ? page : join(folder, path);
      const body = path === "/jobs" ? JSON.stringify(jobs) : readFileSync(file);
      response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const profile = mkdtempSync(join(tmpdir(), "smpbox-chromium-"));
  const browser = spawn(chromium, [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`,
  ], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  let timer: NodeJS.Timeout | undefined;
  browser.stderr.on("data", (bytes: Buffer) => (said = (said + bytes.toString()).slice(-2000)));
  const ended = new Promise<void>((resolve) => browser.once("close", () => resolve()));
  try {
    const died = ended.then(() => {
      throw new Error(`Chromium ended: ${said}`);
    });
    died.catch(() => undefined);
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer from the page: ${said}`)), ANSWER_MS);
    });
    return await Promise.race([answer, died, late]);
  } finally {
    clearTimeout(timer);
    browser.kill();
    await ended;
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
