// The test of a critical cycle, as diy7 writes it: writes to a location get 1, 2, ... in coherence
// order, and the condition asks for exactly the values that the cycle needs.
import { CycleError, type Edge, nameOf, parseCycle } from "./cycle.ts";

interface Access {
  edge: Edge;
  thread: number;
  location: string;
  /** Written, or read. */
  value: number;
  /** What an exchange reads. */
  old: number;
  register?: string;
  /** A fence in front of it. */
  fence?: string;
}

const LOCATIONS = ["x", "y", "z", "a", "b", "c", "d", "e", "f", "g", "h", "i"];
const REGISTERS = ["ax", "bx", "cx", "dx", "si", "di"];

/** Text of an X86_64 test for "PodWR Fre PodWR Fre"; throws a CycleError. */
export function generate(cycle: string): string {
  const edges = parseCycle(cycle);
  const name = nameOf(edges);
  const accesses = placeAccesses(edges);
  const threads = programs(accesses);
  const rows = Math.max(...threads.map((lines) => lines.length));
  const widths = threads.map((lines) => Math.max(...lines.map((line) => line.length)));
  const orig = edges.map((edge) => edge.name).join(" ");
  const external = accesses.filter(({ edge }) => edge.external);
  const coms = external.map(({ edge }) => edge.kind[0].toUpperCase() + edge.kind[1]);
  const lines = [`X86_64 ${name}`, `"${orig}"`];
  if (coms.length) lines.push(`Com=${coms.join(" ")}`);
  lines.push(`Orig=${orig}`, "{", "}");
  for (let row = 0; row < rows; row++) {
    const cells = threads.map((thread, i) => ` ${(thread[row] ?? "").padEnd(widths[i])} `);
    lines.push(`${cells.join("|")};`);
  }
  lines.push(`exists (${condition(accesses).join(" /\\ ")})`);
  return `${lines.join("\n")}\n`;
}

/** One access per edge, its source; threads, locations and values follow from the edges. */
function placeAccesses(edges: Edge[]): Access[] {
  const cut = cutOf(edges);
  // As in diy7, P0 is the first thread behind the cut that has an edge of its own.
  const starts = edges.map((_, i) => (cut + 1 + i) % edges.length);
  const start = starts.find((i) => edges.at(i - 1)!.external && !edges[i].external) ?? 0;
  const turned = [...edges.slice(start), ...edges.slice(0, start)];
  let thread = 0;
  let place = 0;
  const places = turned.filter(({ different }) => different).length;
  if (Math.max(1, places) > LOCATIONS.length) {
    throw new CycleError(`a cycle has at most ${LOCATIONS.length} locations`);
  }
  const accesses = turned.map((edge, i): Access => {
    const before = turned.at(i - 1)!;
    if (i > 0 && before.external) thread++;
    if (i > 0 && before.different) place++;
    const location = LOCATIONS[places > 0 ? place % places : 0];
    return { edge, thread, location, value: 0, old: 0, fence: before.fence };
  });
  setValues(accesses, accesses.findIndex(({ edge }) => edge === edges[cut]));
  const used = new Map<number, number>();
  for (const access of accesses) {
    if (access.edge.from === "W" && !access.edge.fromAtomic) continue;
    const n = used.get(access.thread) ?? 0;
    access.register = registerName(n);
    used.set(access.thread, n + 1);
  }
  return accesses;
}

/**
 * The edge behind which coherence begins. In a cycle on one location, where coherence and program
 * order disagree, it is one of program order: in front of a read of the initial value if it can be.
 */
function cutOf(edges: Edge[]): number {
  const different = edges.findLastIndex((edge) => edge.different);
  if (different >= 0) return different;
  const before = (kinds: Edge["kind"][]) => edges.findIndex(
    (edge, i) => edge.kind === "po" && kinds.includes(edges[(i + 1) % edges.length].kind));
  const initial = before(["fr"]);
  return initial >= 0 ? initial : before(["rf", "co"]);
}

/** Coherence follows the cycle within each run of accesses to one location. */
function setValues(accesses: Access[], cut: number): void {
  const length = accesses.length;
  let latest = 0;
  for (let i = 1; i <= length; i++) {
    const access = accesses[(cut + i) % length];
    access.old = latest;
    if (access.edge.from === "W") latest++;
    access.value = latest;
    if (access.edge.different) latest = 0;
  }
}

function registerName(n: number): string {
  if (n < REGISTERS.length) return REGISTERS[n];
  if (n < REGISTERS.length + 8) return `${8 + n - REGISTERS.length}`;
  throw new CycleError("a thread of a cycle has at most 14 reads and exchanges");
}

const narrow = (register: string) => (/^\d/.test(register) ? `%r${register}d` : `%e${register}`);

function programs(accesses: Access[]): string[][] {
  const threads: string[][] = [];
  for (const { edge, thread, location, value, register, fence } of accesses) {
    const lines = (threads[thread] ??= [`P${thread}`]);
    if (fence) lines.push(fence);
    if (!register) {
      lines.push(`movl $${value},(${location})`);
      continue;
    }
    if (edge.from === "W") lines.push(`movl $${value},${narrow(register)}`);
    lines.push(`${edge.from === "W" ? "xchgl" : "movl"} (${location}),${narrow(register)}`);
  }
  return threads;
}

/** Final values of locations written twice or exchanged, then what must have been read. */
function condition(accesses: Access[]): string[] {
  const finals: string[] = [];
  for (const location of [...new Set(accesses.map((access) => access.location))].sort()) {
    const writes = accesses.filter((a) => a.location === location && a.edge.from === "W");
    if (writes.length < 2 && !writes.some(({ register }) => register)) continue;
    finals.push(`[${location}]=${Math.max(...writes.map(({ value }) => value))}`);
  }
  // A location that no edge of communication touches says nothing about the order.
  const shared = new Set(
    accesses.filter(({ edge }) => edge.kind !== "po").map(({ location }) => location));
  const reads = accesses.filter(({ register, location }) => register && shared.has(location));
  return [...finals, ...reads.map(({ edge, thread, register, value, old }) =>
    `${thread}:r${register}=${edge.from === "R" ? value : old}`)];
}
