// Reads the bundled kernel's file-system block (workloads/include/smpbox-fs.h) from the RAM of a
// stopped machine: direct I/O requests, the journal, live objects of a slab cache.
import type { DebugBlock } from "./debug-block.ts";

const MAGIC = 0x53464253;
const PAGE_BYTES = 4096;
const LIST_MAX = 100_000;
const DIO_FIELDS = [
  "size", "result", "refcount", "waiter", "bio_list", "bio", "is_async", "io_error", "iocb",
  "block_in_file", "final_block_in_request", "cur_page_block", "final_block_in_bio",
  "next_block_for_io", "cur_page_len", "first_block_in_page", "blkbits", "blkfactor",
  "total_pages", "curr_page", "head", "tail", "pages_in_io", "offset",
] as const;
/** Of 4 bytes; the others have 8. */
const NARROW: ReadonlySet<string> = new Set([
  "refcount", "is_async", "cur_page_len", "first_block_in_page", "blkbits", "blkfactor",
  "total_pages", "curr_page", "head", "tail", "pages_in_io",
]);
const T_STATES = ["T_RUNNING", "T_LOCKED", "T_FLUSH", "T_COMMIT", "T_FINISHED"];

/** Where the fields of struct smpbox_fs begin. */
const AT = { journal: 8, caches: 16, pages: 24, cacheLimit: 32, pageLimit: 36, dio: 40 } as const;
const AT_JOURNAL = AT.dio + 4 * (1 + DIO_FIELDS.length);
const AT_CACHE = AT_JOURNAL + 4 * 7;
const AT_OTHER = AT_CACHE + 4 * 6;
const AT_AIO_REQ = AT_OTHER + 4 * 3;

export type DioFields = Record<(typeof DIO_FIELDS)[number], bigint>;

export interface Transaction {
  address: bigint;
  tid: number;
  state: string;
  updates: number;
}

/** The object of a slab cache, by its physical address, with its type ("struct dio"). */
export interface Slot {
  object: bigint;
  type: string;
}

export class FsBlock {
  private readonly block: DebugBlock;
  private readonly view: DataView;

  private constructor(block: DebugBlock, view: DataView) {
    this.block = block;
    this.view = view;
  }

  /** `variable` is the kernel's smpbox_fs. */
  static of(block: DebugBlock, variable: DataView | undefined): FsBlock | undefined {
    if (!variable || variable.byteLength < AT_AIO_REQ + 12) return undefined;
    return variable.getUint32(0, true) === MAGIC ? new FsBlock(block, variable) : undefined;
  }

  /** The request at a kernel address. */
  dio(address: bigint): DioFields {
    const memory = this.block.kernelMemory(address, this.word(AT.dio));
    const fields = {} as DioFields;
    DIO_FIELDS.forEach((name, i) => {
      const at = this.word(AT.dio + 4 * (i + 1));
      if (memory.byteLength === 0) fields[name] = 0n;
      else if (NARROW.has(name)) fields[name] = BigInt(memory.getUint32(at, true));
      else fields[name] = memory.getBigUint64(at, true);
    });
    return fields;
  }

  /** The request whose shared line is at this physical address. */
  dioOfLine(line: bigint): bigint {
    const refcount = this.word(AT.dio + 4 * (1 + DIO_FIELDS.indexOf("refcount")));
    return line + this.block.base - BigInt(refcount & ~63);
  }

  /** The running transaction, which is also the one that is being closed. */
  transaction(): Transaction | undefined {
    const address = this.pointer(this.long(AT.journal) + BigInt(this.word(AT_JOURNAL)));
    if (address === 0n) return undefined;
    const field = (i: number) => this.u32(address + BigInt(this.word(AT_JOURNAL + 4 * i)));
    return {
      address, state: T_STATES[field(4)] ?? `state ${field(4)}`, updates: field(5), tid: field(6),
    };
  }

  /** The transaction that the task at this address has a handle of. */
  transactionOf(task: bigint): bigint {
    const handle = this.pointer(task + BigInt(this.word(AT_OTHER + 4)));
    return handle === 0n ? 0n : this.pointer(handle + BigInt(this.word(AT_OTHER + 8)));
  }

  /** bi_private of every bio that is allocated. */
  biosOf(): bigint[] {
    const at = BigInt(this.word(AT_OTHER));
    return this.slab("struct bio").map((bio) => this.pointer(bio + at));
  }

  /** Addresses of the live objects of a type. */
  slab(type: string): bigint[] {
    const found = this.cacheOf(type);
    return found ? this.live(found.cache, found.id) : [];
  }

  /** Bytes of an object of a type. */
  sizeOf(type: string): number | undefined {
    const found = this.cacheOf(type);
    return found && this.u32(found.cache + BigInt(this.word(AT_CACHE + 4)));
  }

  /** Finds the slab object that a physical address is in. */
  slots(): (phys: bigint) => Slot | undefined {
    const owners = this.block.kernelMemory(this.long(AT.pages), this.word(AT.pageLimit));
    const caches = this.caches();
    return (phys) => {
      const page = Number(phys >> 12n);
      const cache = page < owners.byteLength ? caches.get(owners.getUint8(page)) : undefined;
      if (!cache) return undefined;
      const index = Math.floor((Number(phys) % PAGE_BYTES) / cache.bytes);
      return { object: BigInt(page * PAGE_BYTES + index * cache.bytes), type: cache.type };
    };
  }

  /** struct aio_req: bytes, and where its aio_req_next and aio_req_prev are. */
  aioRequest(): { bytes: number; next: number; prev: number } {
    const [bytes, next, prev] = [0, 4, 8].map((at) => this.word(AT_AIO_REQ + at));
    return { bytes, next, prev };
  }

  /** By their numbers. */
  private caches(): Map<number, { type: string; bytes: number }> {
    const found = new Map<number, { type: string; bytes: number }>();
    for (let id = 1; id < this.word(AT.cacheLimit); id++) {
      const cache = this.pointer(this.long(AT.caches) + BigInt(8 * id));
      if (cache === 0n) break;
      found.set(id, {
        type: this.text(this.pointer(cache + BigInt(this.word(AT_CACHE)))),
        bytes: this.u32(cache + BigInt(this.word(AT_CACHE + 4))),
      });
    }
    return found;
  }

  private cacheOf(type: string): { cache: bigint; id: number } | undefined {
    const limit = this.word(AT.cacheLimit);
    for (let id = 1; id < limit; id++) {
      const cache = this.pointer(this.long(AT.caches) + BigInt(8 * id));
      if (cache === 0n) return undefined;
      const name = this.text(this.pointer(cache + BigInt(this.word(AT_CACHE))));
      if (name === type) return { cache, id };
    }
    return undefined;
  }

  private live(cache: bigint, id: number): bigint[] {
    const size = this.u32(cache + BigInt(this.word(AT_CACHE + 4)));
    const lists = cache + BigInt(this.word(AT_CACHE + 8));
    const stride = BigInt(this.word(AT_CACHE + 12));
    const depot = cache + BigInt(this.word(AT_CACHE + 16));
    const free = new Set<bigint>();
    for (let list = lists; list <= depot; list += stride) {
      let object = this.pointer(list);
      for (let i = 0; object !== 0n && i < LIST_MAX; i++) {
        free.add(object);
        object = this.pointer(object);
      }
    }
    const owners = this.block.kernelMemory(this.long(AT.pages), this.word(AT.pageLimit));
    const found: bigint[] = [];
    for (let page = 0; page < owners.byteLength; page++) {
      if (owners.getUint8(page) !== id) continue;
      const start = this.block.base + BigInt(page) * BigInt(PAGE_BYTES);
      for (let at = 0; at + size <= PAGE_BYTES; at += size) {
        if (!free.has(start + BigInt(at))) found.push(start + BigInt(at));
      }
    }
    return found;
  }

  private word(offset: number): number {
    return this.view.getUint32(offset, true);
  }

  private long(offset: number): bigint {
    return this.view.getBigUint64(offset, true);
  }

  private u32(address: bigint): number {
    const memory = this.block.kernelMemory(address, 4);
    return memory.byteLength ? memory.getUint32(0, true) : 0;
  }

  private pointer(address: bigint): bigint {
    const memory = this.block.kernelMemory(address, 8);
    return memory.byteLength ? memory.getBigUint64(0, true) : 0n;
  }

  private text(address: bigint): string {
    const memory = this.block.kernelMemory(address, 32);
    const bytes = Array.from({ length: memory.byteLength }, (_, i) => memory.getUint8(i));
    return String.fromCharCode(...bytes.slice(0, bytes.indexOf(0)));
  }
}
