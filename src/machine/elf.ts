// ELF64 executables: checking, segments, symbols and the note that marks a kernel
// (System V gABI, "ELF Header", "Program Header", "Note Section"). Only static x86-64 executables.
import { InputError } from "./preset.ts";

export interface Segment {
  /** Linear address that the program was linked for. */
  lin: bigint;
  phys: bigint;
  /** What the file holds; the rest up to `memoryBytes` is zero. */
  data: Uint8Array;
  memoryBytes: number;
  writable: boolean;
  executable: boolean;
}

export interface Symbol {
  lin: bigint;
  bytes: number;
}

export interface NamedSymbol extends Symbol {
  name: string;
  /** A function; and one that only its own file sees. */
  code: boolean;
  local: boolean;
}

export interface Elf {
  /** A kernel carries the note smpbox/kernel; everything else is a user program. */
  kind: "kernel" | "user";
  entry: bigint;
  segments: Segment[];
  /** By name: the global one, or of several static ones the last. */
  symbols: Map<string, Symbol>;
  /** All that have a size, by address: static ones of several files may share a name. */
  named: NamedSymbol[];
  /** Names that several addresses have. */
  ambiguous: Set<string>;
}

const EM_X86_64 = 62;
const ET_EXEC = 2;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const PT_NOTE = 4;
const SHT_SYMTAB = 2;
const PF_X = 1;
const PF_W = 2;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;
const STB_LOCAL = 0;
const STT_FUNC = 2;
const STT_FILE = 4;
const SEGMENTS_MAX = 64;
const SECTIONS_MAX = 4096;
/** Of a file: a damaged table must not cost more than a moment. */
const SYMBOLS_MAX = 1 << 20;
const SYMBOL_NAME_MAX = 512;

/** Reads `file`; `name` is for the error messages, which are one sentence each. */
export function readElf(file: Uint8Array, name: string): Elf {
  const fail = (reason: string): never => {
    throw new InputError(`${name}: ${reason}`);
  };
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 4 || view.getUint32(0) !== 0x7f454c46) {
    fail("not an ELF file; name a bundled image or a program linked with -static (smpbox cflags)");
  }
  const truncated = (where: string) => fail(`truncated in ${where}; copy or link the file again`);
  if (file.length < HEADER_BYTES) truncated("the ELF header");
  if (file[4] !== 2) fail("a 32-bit program; compile it for x86-64 (gcc -m64)");
  if (file[5] !== 1 || view.getUint16(18, true) !== EM_X86_64) {
    fail("not an x86-64 program; compile it with a gcc for x86-64 (see smpbox cflags)");
  }
  const phOffset = Number(view.getBigUint64(32, true));
  const phSize = view.getUint16(54, true);
  const phCount = view.getUint16(56, true);
  const dynamic = "dynamically linked; link it with -static -no-pie (see smpbox cflags)";
  if (phCount === 0) fail("not linked: it has no program headers; link it with gcc -static");
  if (phSize !== PROGRAM_HEADER_BYTES || phCount > SEGMENTS_MAX) {
    fail(`bad program header table (${phCount} of ${phSize} bytes); link the file again`);
  }
  if (phOffset + phCount * phSize > file.length) truncated("the program headers");

  const elf: Elf = {
    kind: "user",
    entry: view.getBigUint64(24, true),
    segments: [],
    symbols: new Map(),
    named: [],
    ambiguous: new Set(),
  };
  for (let i = 0; i < phCount; i++) {
    const at = phOffset + i * phSize;
    const type = view.getUint32(at, true);
    if (type === PT_INTERP || type === PT_DYNAMIC) fail(dynamic);
    if (type !== PT_LOAD && type !== PT_NOTE) continue;
    const flags = view.getUint32(at + 4, true);
    const offset = Number(view.getBigUint64(at + 8, true));
    const fileBytes = Number(view.getBigUint64(at + 32, true));
    const memoryBytes = Number(view.getBigUint64(at + 40, true));
    if (offset + fileBytes > file.length) truncated(`segment ${i}`);
    const data = file.subarray(offset, offset + fileBytes);
    if (type === PT_NOTE) {
      if (hasKernelNote(data)) elf.kind = "kernel";
      continue;
    }
    if (fileBytes > memoryBytes) {
      fail(`segment ${i} is larger in the file than in memory; link the file again`);
    }
    if (memoryBytes === 0) continue;
    elf.segments.push({
      lin: view.getBigUint64(at + 16, true),
      phys: view.getBigUint64(at + 24, true),
      data,
      memoryBytes,
      writable: (flags & PF_W) !== 0,
      executable: (flags & PF_X) !== 0,
    });
  }
  if (view.getUint16(16, true) !== ET_EXEC) fail(dynamic);
  if (elf.segments.length === 0) {
    fail("nothing to load: it has no PT_LOAD segment; link it with gcc -static");
  }
  const overlap = firstOverlap(elf);
  if (overlap) {
    const place = hex(overlap.lin);
    fail(`segments overlap at ${place}; give each its own addresses in the linker script`);
  }
  if (!elf.segments.some((s) => s.executable && contains(s.lin, s.memoryBytes, elf.entry))) {
    const entry = `the entry point ${hex(elf.entry)} is outside the executable segments`;
    fail(`${entry}; define _start in .text`);
  }
  readSymbols(view, file, elf);
  elf.named.sort(byAddress);
  measureLabels(elf);
  return elf;
}

/** Physical address of linear `lin` by the program headers. */
export function physicalOf(elf: Elf, lin: bigint): bigint | undefined {
  const segment = elf.segments.find((s) => contains(s.lin, s.memoryBytes, lin));
  return segment && lin - segment.lin + segment.phys;
}

/** The symbol that `lin` is in; of several the one that begins last. */
export function symbolIn({ named }: Elf, lin: bigint): NamedSymbol | undefined {
  let [low, high] = [0, named.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (named[middle].lin <= lin) low = middle + 1;
    else high = middle;
  }
  while (low > 0 && !contains(named[low - 1].lin, named[low - 1].bytes, lin)) low--;
  return named[low - 1];
}

export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

function contains(start: bigint, bytes: number, at: bigint): boolean {
  return at >= start && at < start + BigInt(bytes);
}

function firstOverlap(elf: Elf): Segment | undefined {
  for (const key of ["lin", "phys"] as const) {
    if (key === "phys" && elf.kind === "user") continue;
    const sorted = [...elf.segments].sort((a, b) => (a[key] < b[key] ? -1 : 1));
    for (let i = 1; i < sorted.length; i++) {
      if (sorted[i - 1][key] + BigInt(sorted[i - 1].memoryBytes) > sorted[i][key]) return sorted[i];
    }
  }
  return undefined;
}

/** Name "smpbox", description "kernel" (either with or without its final zero). */
function hasKernelNote(data: Uint8Array): boolean {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const align = (n: number) => Math.ceil(n / 4) * 4;
  for (let at = 0; at + 12 <= data.length; ) {
    const nameBytes = view.getUint32(at, true);
    const descriptionBytes = view.getUint32(at + 4, true);
    const description = at + 12 + align(nameBytes);
    if (description + descriptionBytes > data.length) return false;
    const text = (from: number, bytes: number) =>
      String.fromCharCode(...data.subarray(from, from + Math.min(bytes, 16))).replace(/\0.*$/s, "");
    if (text(at + 12, nameBytes) === "smpbox" && text(description, descriptionBytes) === "kernel") {
      return true;
    }
    at = description + align(descriptionBytes);
  }
  return false;
}

const byAddress = (a: Symbol, b: Symbol) => a.lin < b.lin ? -1 : a.lin > b.lin ? 1 : 0;

/** A label of assembly has no size: it is taken to reach to the next symbol, where no other is. */
function measureLabels(elf: Elf): void {
  const code = elf.segments.filter(({ executable }) => executable);
  const all = [...elf.symbols].map(([name, symbol]) => ({ name, ...symbol })).sort(byAddress);
  let reach = 0n;
  const covered = all.map(({ lin, bytes }) => {
    if (lin + BigInt(bytes) > reach) reach = lin + BigInt(bytes);
    return reach > lin;
  });
  const labels: NamedSymbol[] = [];
  let next = Infinity as number | bigint;
  // From the last one on, so that each is looked at once.
  for (let i = all.length - 1; i >= 0; i--) {
    const { name, lin, bytes } = all[i];
    if (i + 1 < all.length && all[i + 1].lin > lin) next = all[i + 1].lin;
    const within = code.find((one) => contains(one.lin, one.memoryBytes, lin));
    if (bytes || !within || covered[i]) continue;
    const end = within.lin + BigInt(within.memoryBytes);
    labels.push({
      name, lin, bytes: Number((next < end ? BigInt(next) : end) - lin), code: true, local: false,
    });
  }
  elf.named = [...elf.named, ...labels].sort(byAddress);
}

/** Symbols are for reports only: a file without them, or with damaged ones, loads all the same. */
function readSymbols(view: DataView, file: Uint8Array, elf: Elf): void {
  const offset = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  if (view.getUint16(58, true) !== SECTION_HEADER_BYTES || count > SECTIONS_MAX) return;
  if (offset + count * SECTION_HEADER_BYTES > file.length) return;
  const section = (index: number) => {
    const at = offset + index * SECTION_HEADER_BYTES;
    return {
      type: view.getUint32(at + 4, true),
      offset: Number(view.getBigUint64(at + 24, true)),
      bytes: Number(view.getBigUint64(at + 32, true)),
      link: view.getUint32(at + 40, true),
    };
  };
  let left = SYMBOLS_MAX;
  for (let i = 0; i < count; i++) {
    const table = section(i);
    if (table.type !== SHT_SYMTAB || table.link >= count) continue;
    const strings = section(table.link);
    if (table.offset + table.bytes > file.length) return;
    if (strings.offset + strings.bytes > file.length) return;
    const names = file.subarray(strings.offset, strings.offset + strings.bytes);
    const symbols = Math.min(Math.floor(table.bytes / SYMBOL_BYTES), left);
    left -= symbols;
    for (let k = 0; k < symbols; k++) {
      const at = table.offset + k * SYMBOL_BYTES;
      const start = view.getUint32(at, true);
      const name = names.subarray(start, start + SYMBOL_NAME_MAX);
      const end = name.indexOf(0);
      if (start === 0 || end < 0) continue;
      const info = view.getUint8(at + 4);
      if ((info & 15) === STT_FILE) continue;
      const symbol = {
        name: String.fromCharCode(...name.subarray(0, end)),
        lin: view.getBigUint64(at + 8, true),
        bytes: Number(view.getBigUint64(at + 16, true)),
        code: (info & 15) === STT_FUNC,
        local: info >> 4 === STB_LOCAL,
      };
      const before = elf.symbols.get(symbol.name);
      if (before && before.lin !== symbol.lin) elf.ambiguous.add(symbol.name);
      elf.symbols.set(symbol.name, symbol);
      if (symbol.bytes > 0) elf.named.push(symbol);
    }
  }
}
