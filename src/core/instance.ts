// One instance of the core module on one shared memory. Every worker has an instance of its own;
// all of them see the same machine.

/** The functions that assembly/index.ts exports. */
export interface CoreExports {
  /** Bytes of memory that the machine in the machine block needs. */
  layoutBytes(): number;
  /** Lays the machine out and resets it; the machine block and zeroed memory must be there. */
  setup(): void;
  startBsp(rip: bigint, rsi: bigint, cr3: bigint): void;
  /** Runs this worker's part of the machine until it stops: a STOP_* value of abi.ts. */
  runWorker(worker: number): number;
  stateHash(): bigint;
  /** EFLAGS of a CPU, the status flags included. */
  flagsOf(cpu: number): number;
  /** Hash of one CPU with all that is its own but its caches. */
  cpuHash(cpu: number): bigint;
  /** Writes a u32 for each line of RAM to the address. */
  lineHashes(to: number): void;
  /** Bytes of the home agents' replica at M_HOME_BASES. */
  replicaBytes(): number;
  /** Makes a stopped machine ready to run again. */
  rewind(): void;
  /** Blocks of 4 KiB that the disks hold; where their keys (u64 each) and their contents are. */
  diskBlocks(): number;
  diskKeysAt(): number;
  diskBlocksAt(): number;
  /** After keys and contents of so many blocks of the disks were copied in. */
  restoreDisks(blocks: number): void;
  /** Makes the contents of the disks zero. */
  clearDisks(): void;
}

export const PAGE_BYTES = 65536;
/** As declared in asconfig.json: an instance takes only a memory within the module's limits. */
export const MEMORY_PAGES_INITIAL = 64;
export const MEMORY_PAGES_MAX = 65536;

export function createMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({
    initial: MEMORY_PAGES_INITIAL,
    maximum: MEMORY_PAGES_MAX,
    shared: true,
  });
}

/** Fills 4 KiB at `address` with block `block` of the file behind `disk`. */
export type DiskRead = (disk: number, block: number, address: number) => void;

export function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  diskRead: DiskRead = noFile,
): CoreExports {
  const host = { diskRead };
  const abort = (message: number, file: number, line: number, column: number) => {
    const place = `${readString(memory, file)}:${line}:${column}`;
    throw new Error(`check failed at ${place} ${readString(memory, message)}`.trimEnd());
  };
  const instance = new WebAssembly.Instance(module, { env: { memory, abort }, host });
  return instance.exports as unknown as CoreExports;
}

function noFile(disk: number): never {
  throw new Error(`disk ${disk} has no file behind it`);
}

/** An AssemblyScript string: UTF-16 at `pointer`, its byte length in the word before. */
function readString(memory: WebAssembly.Memory, pointer: number): string {
  if (pointer === 0) return "";
  const bytes = new Uint32Array(memory.buffer)[(pointer - 4) >>> 2];
  return String.fromCharCode(...new Uint16Array(memory.buffer, pointer, bytes >>> 1));
}
