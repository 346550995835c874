// The I/O APIC: one, with 64 redirection entries (82093AA data sheet, "I/O APIC Registers"; SDM
// Vol. 3A "Level-Triggered Interrupts" for the EOI). It is the chipset too: it chooses the CPU of a
// lowest-priority message, by the policy of the run (M_IRQ_POLICY).
// Deviations: a logical destination is compared with 1 << CPU number instead of the receiver's LDR,
// which no component but that CPU may read; logical FFH means every CPU, also beyond 8; delivery
// modes other than fixed and lowest priority are ignored.
import { check } from "../check";
import {
  HUB_IOAPIC, HUB_IOAPIC_ENTRIES, HUB_SOURCE, IRQ_FAR_DIE, IRQ_FIXED, IRQ_ROUND_ROBIN,
  IRQ_SAME_DIE, IRQ_SEEDED, IRQ_SUBMITTER, M_CPUS, M_CPU_CLUSTER, M_IPI_JITTER, M_IRQ_POLICY,
  M_LAT_IPI, M_SEED, MACHINE_BASE,
} from "../abi";
import { post } from "../memory/message";
import { apicId, param, paramByte } from "../memory/params";
import { MSG_IPI } from "../memory/protocol";
import { drawBelow } from "../random";

export const IOAPIC_LINES: u32 = 64;

// Offsets in the page, and indices of registers
const IOREGSEL: u32 = 0x00;
const IOWIN: u32 = 0x10;
const INDEX_ID: u32 = 0x00;
const INDEX_VERSION: u32 = 0x01;
const INDEX_ARBITRATION: u32 = 0x02;
const INDEX_TABLE: u32 = 0x10;
const VERSION: u32 = 0x11 | ((IOAPIC_LINES - 1) << 16);

// A redirection entry
const DELIVERY_SHIFT: u32 = 8;
const DELIVERY_LOWEST: u32 = 1;
const LOGICAL: u64 = 1 << 11;
const REMOTE_IRR: u64 = 1 << 14;
const LEVEL: u64 = 1 << 15;
const MASKED: u64 = 1 << 16;
const READ_ONLY: u64 = REMOTE_IRR | (1 << 12);
const DESTINATION_SHIFT: u64 = 56;
/** Vector, delivery mode, trigger mode: what travels with a message. */
const MESSAGE: u64 = 0x87ff;
const BROADCAST: u32 = 0xff;

/** The streams of random numbers of the CPUs' own messages end below. */
const STREAM: u64 = 0x1000;

/**
 * Hub block + HUB_IOAPIC.
 *
 *     0 | select, id u32 | 8 | asserted u64 | 16 | sent u64 | 24 | next, pad u32 | 32 |
 *     entries u64[64] | 544 | submitters u8[64] | 608
 */
@unmanaged
class Ioapic {
  select: u32;
  id: u32;
  /** Lines that a device holds active. */
  asserted: u64;
  /** Messages so far: the counter of the stream of random numbers. */
  sent: u64;
  /** Next CPU in turn. */
  next: u32;
  pad0: u32;

  @inline static of(hub: usize): Ioapic {
    return changetype<Ioapic>(hub + HUB_IOAPIC);
  }
}
const ENTRIES: usize = <usize>(HUB_IOAPIC_ENTRIES - HUB_IOAPIC);
const SUBMITTERS: usize = ENTRIES + <usize>IOAPIC_LINES * 8;

// @ts-ignore: decorator
@inline
function entryAt(hub: usize, line: u32): usize {
  return hub + HUB_IOAPIC + ENTRIES + (<usize>line << 3);
}

export function ioapicReset(hub: usize): void {
  for (let line: u32 = 0; line < IOAPIC_LINES; line++) store<u64>(entryAt(hub, line), MASKED);
}

/** 32-bit read at `offset` of the page. */
export function ioapicRead(hub: usize, offset: u32): u32 {
  const ioapic = Ioapic.of(hub);
  if (offset == IOREGSEL) return ioapic.select;
  if (offset != IOWIN) return 0;
  const index = ioapic.select;
  if (index == INDEX_ID || index == INDEX_ARBITRATION) return ioapic.id;
  if (index == INDEX_VERSION) return VERSION;
  const register = index - INDEX_TABLE;
  if (register >= IOAPIC_LINES * 2) return 0;
  return load<u32>(entryAt(hub, 0) + (<usize>register << 2));
}

/** 32-bit write at `offset` of the page, at cycle `time`. */
export function ioapicWrite(hub: usize, offset: u32, value: u32, time: u64): void {
  const ioapic = Ioapic.of(hub);
  if (offset == IOREGSEL) {
    ioapic.select = value & 0xff;
  } else if (offset == IOWIN && ioapic.select == INDEX_ID) {
    ioapic.id = value & 0x0f000000;
  } else if (offset == IOWIN && ioapic.select - INDEX_TABLE < IOAPIC_LINES * 2) {
    writeEntry(hub, ioapic.select - INDEX_TABLE, value, time);
  }
}

function writeEntry(hub: usize, register: u32, value: u32, time: u64): void {
  const at = entryAt(hub, 0) + (<usize>register << 2);
  if (register & 1) {
    store<u32>(at, value & 0xff000000);
    return;
  }
  let kept = load<u32>(at) & <u32>READ_ONLY;
  // An entry that becomes edge-triggered waits for no EOI.
  if (!(value & <u32>LEVEL)) kept = 0;
  store<u32>(at, (value & 0x1afff & ~(<u32>READ_ONLY)) | kept);
  deliver(hub, register >> 1, time);
}

/**
 * A device drives its line at cycle `time`. `submitter`: the CPU that caused the work, for the
 * policies that go by it.
 */
export function ioapicLine(hub: usize, line: u32, active: bool, submitter: u32, time: u64): void {
  check(line < IOAPIC_LINES);
  const ioapic = Ioapic.of(hub);
  const bit = <u64>1 << line;
  const was = (ioapic.asserted & bit) != 0;
  if (!active) {
    ioapic.asserted &= ~bit;
    return;
  }
  ioapic.asserted |= bit;
  store<u8>(hub + HUB_IOAPIC + SUBMITTERS + line, <u8>submitter);
  const entry = load<u64>(entryAt(hub, line));
  if (entry & LEVEL) deliver(hub, line, time);
  else if (!was && !(entry & MASKED)) send(hub, line, entry, time);
}

/** A CPU ended a level-triggered interrupt: lines still active under that vector are sent again. */
export function ioapicEoi(hub: usize, vector: u32, time: u64): void {
  for (let line: u32 = 0; line < IOAPIC_LINES; line++) {
    const at = entryAt(hub, line);
    const entry = load<u64>(at);
    if (!(entry & REMOTE_IRR) || <u32>(entry & 0xff) != vector) continue;
    store<u64>(at, entry & ~REMOTE_IRR);
    deliver(hub, line, time);
  }
}

/** An interrupt of the line that is about another CPU's work has been sent, and not ended. */
export function ioapicHolds(hub: usize, line: u32, submitter: u32): bool {
  const other = load<u8>(hub + HUB_IOAPIC + SUBMITTERS + line) != <u8>submitter;
  return other && (load<u64>(entryAt(hub, line)) & REMOTE_IRR) != 0;
}

/** Sends a level-triggered line that is active, not masked and not under way. */
function deliver(hub: usize, line: u32, time: u64): void {
  const at = entryAt(hub, line);
  const entry = load<u64>(at);
  if (!((Ioapic.of(hub).asserted >> line) & 1)) return;
  if (!(entry & LEVEL) || entry & (MASKED | REMOTE_IRR)) return;
  if (send(hub, line, entry, time)) store<u64>(at, entry | REMOTE_IRR);
}

/** False: no CPU is addressed. */
function send(hub: usize, line: u32, entry: u64, time: u64): bool {
  const delivery = <u32>(entry >> DELIVERY_SHIFT) & 7;
  if (delivery > DELIVERY_LOWEST) return false;
  const destination = <u32>(entry >> DESTINATION_SHIFT);
  const cpus = param(M_CPUS);
  const message = entry & MESSAGE;
  if (!(entry & LOGICAL)) {
    if (destination == BROADCAST) return sendAll(hub, BROADCAST, message, time);
    for (let cpu: u32 = 0; cpu < cpus; cpu++) {
      if (apicId(cpu) != destination) continue;
      sendTo(hub, cpu, message, time);
      return true;
    }
    return false;
  }
  if (delivery != DELIVERY_LOWEST) return sendAll(hub, destination, message, time);
  const submitter = load<u8>(hub + HUB_IOAPIC + SUBMITTERS + line);
  const cpu = choose(hub, destination, submitter);
  if (cpu < 0) return false;
  sendTo(hub, <u32>cpu, message, time);
  return true;
}

// @ts-ignore: decorator
@inline
function addressed(destination: u32, cpu: u32): bool {
  const id = apicId(cpu);
  return destination == BROADCAST || (id < 8 && ((destination >> id) & 1) != 0);
}

function sendAll(hub: usize, destination: u32, message: u64, time: u64): bool {
  let any = false;
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    if (!addressed(destination, cpu)) continue;
    sendTo(hub, cpu, message, time);
    any = true;
  }
  return any;
}

function sendTo(hub: usize, cpu: u32, message: u64, time: u64): void {
  const ioapic = Ioapic.of(hub);
  const seed = load<u64>(MACHINE_BASE + M_SEED);
  const spread = drawBelow(seed, STREAM, ioapic.sent++, param(M_IPI_JITTER));
  post(time + <u64>(param(M_LAT_IPI) + spread), HUB_SOURCE, MSG_IPI, cpu, 0, 0, message);
}

/** The CPU of a lowest-priority message by the policy of the run, or -1. */
function choose(hub: usize, destination: u32, submitter: u32): i32 {
  const ioapic = Ioapic.of(hub);
  const cpus = param(M_CPUS);
  const policy = param(M_IRQ_POLICY);
  let first: u32 = 0;
  if (policy == IRQ_ROUND_ROBIN) {
    first = ioapic.next;
  } else if (policy == IRQ_SEEDED) {
    first = drawBelow(load<u64>(MACHINE_BASE + M_SEED), STREAM + 1, ioapic.sent, cpus);
  } else if (policy != IRQ_FIXED) {
    // From the CPU after the submitter on: with several on its die the next one, not itself.
    first = submitter + (policy == IRQ_SUBMITTER ? 0 : 1);
  }
  const home = paramByte(M_CPU_CLUSTER, submitter);
  let fallback = -1;
  for (let i: u32 = 0; i < cpus; i++) {
    const cpu = (first + i) % cpus;
    if (!addressed(destination, cpu)) continue;
    const near = paramByte(M_CPU_CLUSTER, cpu) == home;
    if ((policy == IRQ_SAME_DIE && !near) || (policy == IRQ_FAR_DIE && near)) {
      if (fallback < 0) fallback = <i32>cpu;
      continue;
    }
    ioapic.next = cpu + 1;
    return <i32>cpu;
  }
  return fallback;
}
