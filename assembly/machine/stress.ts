// In place of the instruction set: every CPU performs random accesses to few lines and checks what
// it reads. The test of the memory system alone (build target "stress"): false sharing, locks,
// fences, code lines, evictions.
//
// Line L, word k belongs to one CPU, the only one that stores to it, values 1, 2, 3, ... So for any
// reader
//   coherence         the values of a word never go backwards, and the owner reads what it stored
//                     last, from its store buffer or not;
//   message passing   a CPU stores n to its word of line A, then to that of line A + 1, plainly or
//                     by a locked access: who reads B and then A must find A >= B (stores are not
//                     reordered with stores, nor loads with loads);
//   atomicity         the counters that all CPUs increment by locked additions hold the sum of the
//                     additions.
import { check } from "../check";
import { CORE_CPU, CORE_LIMIT_MASK, CORE_TLB, M_CPUS, MACHINE_BASE, M_SEED } from "../abi";
import { draw } from "../random";
import { readFast } from "../isa/access";
import { Core } from "../memory/core";
import { FetchEntry } from "../memory/fetch-filter";
import { filterFill } from "../memory/filter";
import { param } from "../memory/params";
import { portDrain, portFetch, portLock, portRead, portReserve, portWrite } from "../memory/port";

export const LINES: u32 = 64;
/** Of runs with an even seed: three CPUs seldom want the same one of many at a time. */
const FEW_LINES: u32 = 4;
export const COUNTERS: u32 = 4;
const COUNTER_PHYS: u64 = 0x8000;

/** What a CPU is doing, at the start of its core block. */
@unmanaged
class Program {
  /** Operations finished: the counter of this CPU's random numbers. */
  done: u64;
  /** 1: the second half of a message-passing read or write is due. */
  step: u32;
  pad0: u32;
  value: u64;
  /** Locked additions that this CPU made, by counter. */
  added0: u64; added1: u64; added2: u64; added3: u64;

  @inline static of(core: usize): Program {
    return changetype<Program>(core + CORE_CPU);
  }
}

/**
 * A third of the lines side by side, a third in one set of a 4 KiB stride, a third in one set of a
 * 256 KiB stride.
 */
function physOf(line: u32, word: u32): u64 {
  let base: u64;
  if (line < 24) base = 0x10000 + <u64>line * 64;
  else if (line < 44) base = 0x20000 + <u64>(line - 24) * 4096;
  else base = 0x400000 + <u64>(line - 44) * 0x40000;
  return base + <u64>word * 8;
}

/** The value of (line, word) that this CPU saw last. */
// @ts-ignore: decorator
@inline
function seenAt(core: usize, line: u32, word: u32): usize {
  return core + CORE_TLB + (<usize>(line * 8 + word) << 3);
}

// @ts-ignore: decorator
@inline
function owner(line: u32, word: u32): u32 {
  // Lines 2i and 2i + 1 have the same owners: the pair of a message.
  return ((line >> 1) * 8 + word) % param(M_CPUS);
}

/** As execute(): accesses while Core.clock < limit, until one must wait. */
export function stress(core: usize, limit: u64): void {
  const c = Core.of(core);
  const p = Program.of(core);
  const seed = load<u64>(<usize>(MACHINE_BASE + M_SEED));
  while (c.clock < limit) {
    if (!perform(core, c, p, draw(seed, c.cpu, p.done), limit)) return;
    c.clock += 1;
    c.instructions++;
    if (!p.step) p.done++;
    if (c.stall) return;
    limit &= load<u64>(core, CORE_LIMIT_MASK);
  }
}

function perform(core: usize, c: Core, p: Program, random: u64, limit: u64): bool {
  const kind = <u32>(random & 15);
  const line = <u32>(random >> 8) % (param(M_SEED) & 1 ? LINES : FEW_LINES);
  const word = <u32>(random >> 24) & 7;
  if (kind == 0) {
    // Idle for some windows, so that siblings are alone; then an access in the same operation,
    // which late in an instruction never goes through the filter.
    c.clock += (random >> 32) % 500;
    if (!(random >> 63)) return true;
    return c.clock < limit ? read(core, line, word, 0) : readSlow(core, line, word, 0);
  }
  if (kind == 1) return read(core, homeLine(c), c.cpu & 7, 0);
  if (kind < 5) return read(core, line, word, 0);
  // Half of the messages go through a few lines, where readers and writers meet.
  const first = line & ((random >> 40) & 1 ? 6 : ~1);
  if (kind < 8) return readMessage(core, p, first, word);
  if (kind < 11) return writeMessage(core, c, p, first, word, random >> 63 != 0);
  if (kind == 11) return put(core, homeLine(c), c.cpu & 7);
  if (kind < 14) return add(core, p, word & 3);
  if (kind == 14) return portDrain(core);
  // Code lines are also written: a fetch must take them from their owners and be undone by them.
  return fetch(core, physOf(line, 0));
}

/** A line of code comes into the fetch filter, as if it were executed from there. */
function fetch(core: usize, phys: u64): bool {
  const e = FetchEntry.of(core, phys);
  if (e.tag == phys) return true;
  if (!portFetch(core, phys)) return false;
  e.tag = phys;
  e.physLine = <u32>(phys >> 6);
  return true;
}

/** A line of which word (cpu mod 8) is this CPU's: it stores there often, and reads it back. */
function homeLine(c: Core): u32 {
  return (c.cpu >> 3) << 1;
}

/** The next value into a word of this CPU's. */
function put(core: usize, line: u32, word: u32): bool {
  if (!portReserve(core, 1)) return false;
  const seen = seenAt(core, line, word);
  const value = load<u64>(seen) + 1;
  portWrite(core, physOf(line, word), 8, value);
  store<u64>(seen, value);
  return true;
}

/** Reads a word: at least `least`, and never less than what was seen before. */
function read(core: usize, line: u32, word: u32, least: u64): bool {
  // Through the filter where it has the line, linear addresses being physical ones.
  const host = readFast(core, physOf(line, word), 8, Core.of(core).clock);
  return host ? see(core, host, line, word, least) : readSlow(core, line, word, least);
}

function readSlow(core: usize, line: u32, word: u32, least: u64): bool {
  const phys = physOf(line, word);
  const host = portRead(core, phys, 8);
  if (!host) return false;
  filterFill(core, phys, phys, 0);
  return see(core, host, line, word, least);
}

/** Checks what was read. */
function see(core: usize, host: usize, line: u32, word: u32, least: u64): bool {
  const value = load<u64>(host);
  const seen = seenAt(core, line, word);
  check(value >= load<u64>(seen) && value >= least);
  if (owner(line, word) == Core.of(core).cpu) check(value == load<u64>(seen));
  store<u64>(seen, value);
  return true;
}

function readMessage(core: usize, p: Program, line: u32, word: u32): bool {
  if (!p.step) {
    if (!read(core, line + 1, word, 0)) return false;
    p.value = load<u64>(seenAt(core, line + 1, word));
    p.step = 1;
    return true;
  }
  if (!read(core, line, word, p.value)) return false;
  p.step = 0;
  return true;
}

function writeMessage(
  core: usize, c: Core, p: Program, line: u32, word: u32, locked: bool,
): bool {
  for (let i: u32 = 0; i < 8 && owner(line, word) != c.cpu; i++) word = (word + 1) & 7;
  if (owner(line, word) != c.cpu) return true;
  if (!p.step) {
    if (!put(core, line, word)) return false;
    p.step = 1;
    return true;
  }
  const flag = line + 1;
  const value = load<u64>(seenAt(core, line, word));
  if (locked) {
    const host = portLock(core, physOf(flag, word), 8);
    if (!host) return false;
    store<u64>(host, value);
  } else {
    if (!portReserve(core, 1)) return false;
    portWrite(core, physOf(flag, word), 8, value);
  }
  store<u64>(seenAt(core, flag, word), value);
  p.step = 0;
  return true;
}

function add(core: usize, p: Program, counter: u32): bool {
  const host = portLock(core, COUNTER_PHYS + <u64>counter * 64, 8);
  if (!host) return false;
  store<u64>(host, load<u64>(host) + 1);
  const added = changetype<usize>(p) + offsetof<Program>("added0") + (<usize>counter << 3);
  store<u64>(added, load<u64>(added) + 1);
  return true;
}

/**
 * Additions to `counter` by the CPU of `core`; the sum over CPUs is what RAM must hold once nothing
 * is under way.
 */
export function added(core: usize, counter: u32): u64 {
  return load<u64>(core + CORE_CPU + offsetof<Program>("added0") + (<usize>counter << 3));
}
