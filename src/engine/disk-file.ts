// Files of the host behind disks. A block that the guest has not written reads as the file's; what
// lies behind the file's end reads as zeros, and the file itself is never written.
import { closeSync, openSync, readSync } from "node:fs";
import { InputError } from "../machine/preset.ts";
import type { DiskFiles, DiskReader } from "./thread.ts";

const BLOCK_BYTES = 4096;

export function openDisks(files: DiskFiles, memory: WebAssembly.Memory): DiskReader {
  const opened = files.map((file) => (file === undefined ? undefined : openSync(file, "r")));
  // Of its own: readSync() does not take shared memory.
  const buffer = new Uint8Array(BLOCK_BYTES);
  return {
    read(disk, block, address) {
      buffer.fill(0);
      const at = BigInt(block) * BigInt(BLOCK_BYTES);
      let bytes = 0;
      let read: number;
      do {
        read = readSync(opened[disk]!, buffer, bytes, BLOCK_BYTES - bytes, at + BigInt(bytes));
        bytes += read;
      } while (read > 0 && bytes < BLOCK_BYTES);
      new Uint8Array(memory.buffer, address, BLOCK_BYTES).set(buffer);
    },
    close() {
      for (const file of opened) if (file !== undefined) closeSync(file);
    },
  };
}

/** Throws an InputError for a file that cannot be read. */
export function checkDiskFiles(files: DiskFiles): void {
  files.forEach((file, disk) => {
    if (file === undefined) return;
    try {
      const opened = openSync(file, "r");
      // A folder can be opened, but not read.
      readSync(opened, new Uint8Array(1), 0, 1, 0);
      closeSync(opened);
    } catch (error) {
      throw new InputError(`disk ${disk}, file=${file}: ${(error as Error).message}`);
    }
  });
}
