// A host thread as the engine sees it, and what runs in it.
import { type DiskRead, instantiate } from "../core/instance.ts";

export interface Thread {
  /** A WorkerApi, called from another thread. */
  api: { [name in keyof WorkerApi]: (...args: Parameters<WorkerApi[name]>) => Promise<number> };
  /** The thread keeps its process alive, or not. */
  keepAlive(alive: boolean): void;
  terminate(): Promise<void>;
}

/** Path of the file behind each disk that has one. */
export type DiskFiles = ReadonlyArray<string | undefined>;

/** Reads the files behind the disks, for one run. */
export interface DiskReader {
  read: DiskRead;
  close(): void;
}

export interface WorkerApi {
  /** Takes part in the machine in `memory` as worker `index`; the STOP_* reason. */
  run(
    module: WebAssembly.Module, memory: WebAssembly.Memory, index: number, files?: DiskFiles,
  ): number;
}

/** For a page. */
export function noDiskFiles(): never {
  throw new Error("a page has no files to put behind disks");
}

/** While run() runs, the thread answers nothing, and the host reads the shared memory. */
export function workerApi(
  openDisks: (files: DiskFiles, memory: WebAssembly.Memory) => DiskReader,
): WorkerApi {
  return {
    run(module, memory, index, files) {
      const disks = files && openDisks(files, memory);
      try {
        // A new instance for each run: its globals hold nothing of another machine.
        return instantiate(module, memory, disks?.read).runWorker(index);
      } finally {
        disks?.close();
      }
    },
  };
}
