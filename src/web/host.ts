// What the engine needs of its host, for a page: the same functions as engine/host.ts, whose place
// this file takes in a bundle for browsers. Files are fetched from beside the bundle.
//
// A page's threads share memory if it is served with the headers
//     Cross-Origin-Opener-Policy: same-origin
//     Cross-Origin-Embedder-Policy: require-corp
// Otherwise a memory cannot be given to a worker, and machines run in the page, in slices.
import { wrap } from "comlink/dist/esm/comlink.mjs";
import type * as node from "../engine/host.ts";
import {
  type DiskFiles, noDiskFiles, type Thread, type WorkerApi, workerApi,
} from "../engine/thread.ts";
import type { ImageFile } from "../machine/image.ts";
import { InputError, type Preset, readPreset } from "../machine/preset.ts";

/** Where the core, the machines and the images are. */
const files = import.meta.url;

async function fetched(path: string): Promise<Response> {
  const response = await fetch(new URL(path, files));
  if (!response.ok) throw new InputError(`${path}: not found beside the page (${response.status})`);
  return response;
}

export function sharesMemory(): boolean {
  return globalThis.crossOriginIsolated;
}

export function hostCores(): number {
  return sharesMemory() ? navigator.hardwareConcurrency : 1;
}

/** A page cannot know. */
export function hostBusy(): boolean {
  return false;
}

const modules = new Map<string, Promise<WebAssembly.Module>>();

/** timing.wasm, compiled once per page. */
export function coreModule(): Promise<WebAssembly.Module> {
  return moduleOf("timing.wasm");
}

/** explore.wasm. */
export function exploreModule(): Promise<WebAssembly.Module> {
  return moduleOf("explore.wasm");
}

function moduleOf(file: string): Promise<WebAssembly.Module> {
  const module = modules.get(file) ?? fetched(file)
    .then((response) => response.arrayBuffer())
    .then((bytes) => WebAssembly.compile(bytes));
  modules.set(file, module);
  return module;
}

/** The page itself in the place of a thread. */
function ownThread(): Thread {
  const { run } = workerApi(noDiskFiles);
  return {
    api: { run: async (...args) => run(...args) },
    keepAlive: () => undefined,
    terminate: async () => undefined,
  };
}

/** Starts web/worker.ts; `onEnd` is called once, with the reason, when the thread is no more. */
export function startThread(onEnd: (reason: string) => void): Thread {
  if (!sharesMemory()) return ownThread();
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  worker.addEventListener("error", (event) => {
    onEnd(`a worker thread failed: ${event.message || "it could not be loaded"}`);
  }, { once: true });
  return {
    api: wrap<WorkerApi>(worker),
    keepAlive: () => undefined,
    terminate: async () => worker.terminate(),
  };
}

/** A bundled machine, with the machines that it derives from. */
export async function loadPreset(
  machine: string,
  changes?: ReadonlyMap<string, number>,
): Promise<Preset> {
  const documents = new Map<string, unknown>();
  for (let name = machine; typeof name === "string" && !documents.has(name);) {
    const document = await (await fetched(`presets/${name}.json`)).json();
    documents.set(name, document);
    name = document.derives;
  }
  return readPreset(documents.get(machine), (name) => documents.get(name), changes);
}

/** A bundled image, or one that the page has read. */
export async function openImage(image: string | ImageFile): Promise<ImageFile> {
  if (typeof image !== "string") return image;
  const bytes = new Uint8Array(await (await fetched(`images/${image}.elf`)).arrayBuffer());
  return { name: image, bytes };
}

/** A page has none. */
export function checkDiskFiles(files: DiskFiles): void {
  const disk = files.findIndex((file) => file !== undefined);
  if (disk >= 0) throw new InputError(`disk ${disk}: file= needs smpbox on a command line`);
}

/** The two hosts offer the same. */
({
  checkDiskFiles, hostCores, hostBusy, sharesMemory, coreModule, exploreModule, startThread,
  loadPreset, openImage,
}) satisfies {
  [name in keyof typeof node]: unknown;
};
