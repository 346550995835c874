// A core file that gdb opens beside the image: ET_CORE of System V's gABI with the notes of Linux
// (NT_PRSTATUS for each thread, NT_PRPSINFO). Behind the headers lies all of guest RAM as it is,
// and every mapping is a PT_LOAD into it, so a page that is mapped twice is in the file once. Where
// the machine has no memory there may be call frame information, which NT_AUXV leads gdb to.
//
//     ELF header | program headers | notes | frames | padding | RAM
import { frameImage, type FrameRule } from "./frame-image.ts";
import { mappedPages } from "./page-walk.ts";

export interface Thread {
  /** What gdb shows as LWP. */
  id: number;
  rip: bigint;
  /** rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15. */
  registers: readonly bigint[];
  flags: bigint;
  user: boolean;
  fsBase: bigint;
  gsBase: bigint;
}

export interface CoreFile {
  /** Everything before RAM, which follows at once. */
  head: Uint8Array;
  /** PT_LOADs in it. */
  segments: number;
}

const ET_CORE = 4;
const EM_X86_64 = 62;
const PT_LOAD = 1;
const PT_NOTE = 4;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
/** The count of program headers has 16 bits; ffffh would mean "elsewhere". */
const SEGMENTS_MAX = 0xfff0;
const PAGE = 4096;

const NT_PRSTATUS = 1;
const NT_PRPSINFO = 3;
const NT_AUXV = 6;
/** Of the auxiliary vector: where an ELF image is that the system has put into memory. */
const AT_SYSINFO_EHDR = 33n;
/** Where Linux had its vsyscall page: no image of a kernel reaches so far up. */
const FRAMES_LIN = 0xffff_ffff_ff60_0000n;
const PRSTATUS_BYTES = 336;
const PRPSINFO_BYTES = 136;
const FNAME_BYTES = 16;
const PSARGS_BYTES = 80;
const PR_PID = 32;
const PR_REGISTERS = 112;
/** Registers by their encoding, at their places in user_regs_struct; between them are others. */
const PLACES = [10, 11, 12, 5, 19, 4, 13, 14, 9, 8, 7, 6, 3, 2, 1, 0];
const [RIP, CS, EFLAGS, SS, FS_BASE, GS_BASE] = [16, 17, 18, 20, 21, 22];
const SELECTORS = { user: [0x2b, 0x23], kernel: [0x08, 0x10] } as const;

interface Mapping {
  lin: bigint;
  phys: number;
  bytes: number;
}

/** Mapped memory of the address space as runs, lowest address first. */
export function mappings(ram: DataView, cr3: bigint): Mapping[] {
  const runs: Mapping[] = [];
  for (const { lin, phys } of mappedPages(ram, cr3)) {
    const last = runs.at(-1);
    if (last && last.lin + BigInt(last.bytes) === lin && last.phys + last.bytes === phys) {
      last.bytes += PAGE;
    } else runs.push({ lin, phys, bytes: PAGE });
  }
  return runs;
}

/**
 * The core of a machine with `threads`, the current one first, in the address space `runs`. gdb
 * compares `image`, the file name of what runs, with the one that it was given. `rules`: call frame
 * information that the image lacks; left out where the machine has memory in its place.
 */
export function coreFile(
  image: string, threads: readonly Thread[], runs: readonly Mapping[],
  rules: readonly FrameRule[] = [],
): CoreFile {
  const segments = runs.slice(0, SEGMENTS_MAX);
  const free = segments.every(({ lin, bytes }) =>
    lin + BigInt(bytes) <= FRAMES_LIN || lin >= FRAMES_LIN + BigInt(PAGE));
  const frames = rules.length && free ? frameImage(FRAMES_LIN, rules) : undefined;
  const notes = [
    processNote(image), ...threads.map(threadNote), ...frames ? [vectorNote()] : [],
  ];
  const noteBytes = notes.reduce((sum, note) => sum + note.length, 0);
  const headers = 1 + segments.length + (frames ? 1 : 0);
  const notesAt = HEADER_BYTES + headers * PROGRAM_HEADER_BYTES;
  const framesAt = Math.ceil((notesAt + noteBytes) / PAGE) * PAGE;
  const ramAt = framesAt + Math.ceil((frames?.length ?? 0) / PAGE) * PAGE;
  const head = new Uint8Array(ramAt);
  const view = new DataView(head.buffer);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, ET_CORE, true);
  view.setUint16(18, EM_X86_64, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(32, BigInt(HEADER_BYTES), true);
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(54, PROGRAM_HEADER_BYTES, true);
  view.setUint16(56, headers, true);
  let at = HEADER_BYTES;
  const put = (type: number, flags: number, offset: number, lin: bigint, phys: number,
    bytes: number, memory: number, align: number) => {
    view.setUint32(at, type, true);
    view.setUint32(at + 4, flags, true);
    const words = [offset, lin, phys, bytes, memory, align];
    words.forEach((word, i) => view.setBigUint64(at + 8 + i * 8, BigInt(word), true));
    at += PROGRAM_HEADER_BYTES;
  };
  put(PT_NOTE, 0, notesAt, 0n, 0, noteBytes, 0, 4);
  for (const { lin, phys, bytes } of segments) {
    put(PT_LOAD, 7, ramAt + phys, lin, phys, bytes, bytes, PAGE);
  }
  if (frames) {
    put(PT_LOAD, 5, framesAt, FRAMES_LIN, 0, frames.length, frames.length, PAGE);
    head.set(frames, framesAt);
  }
  let noteAt = notesAt;
  for (const note of notes) {
    head.set(note, noteAt);
    noteAt += note.length;
  }
  return { head, segments: segments.length };
}

function note(type: number, description: Uint8Array): Uint8Array {
  const name = [0x43, 0x4f, 0x52, 0x45, 0, 0, 0, 0]; // "CORE"
  const bytes = new Uint8Array(12 + name.length + description.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 5, true);
  view.setUint32(4, description.length, true);
  view.setUint32(8, type, true);
  bytes.set(name, 12);
  bytes.set(description, 12 + name.length);
  return bytes;
}

function vectorNote(): Uint8Array {
  // The second pair, AT_NULL, ends it.
  const description = new Uint8Array(32);
  const view = new DataView(description.buffer);
  view.setBigUint64(0, AT_SYSINFO_EHDR, true);
  view.setBigUint64(8, FRAMES_LIN, true);
  return note(NT_AUXV, description);
}

function processNote(image: string): Uint8Array {
  const description = new Uint8Array(PRPSINFO_BYTES);
  const text = new TextEncoder().encode(image);
  description.set(text.subarray(0, FNAME_BYTES - 1), 40); // pr_fname
  description.set(text.subarray(0, PSARGS_BYTES - 1), 56); // pr_psargs
  return note(NT_PRPSINFO, description);
}

function threadNote({ id, rip, registers, flags, user, fsBase, gsBase }: Thread): Uint8Array {
  const description = new Uint8Array(PRSTATUS_BYTES);
  const view = new DataView(description.buffer);
  view.setUint32(PR_PID, id, true);
  const set = (place: number, value: bigint) =>
    view.setBigUint64(PR_REGISTERS + place * 8, value, true);
  registers.forEach((value, i) => set(PLACES[i], value));
  const [cs, ss] = SELECTORS[user ? "user" : "kernel"];
  set(RIP, rip);
  set(CS, BigInt(cs));
  set(EFLAGS, flags);
  set(SS, BigInt(ss));
  set(FS_BASE, fsBase);
  set(GS_BASE, gsBase);
  return note(NT_PRSTATUS, description);
}
