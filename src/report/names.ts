// Physical addresses and instructions by the names of the program: variables with their fields,
// functions with their source lines.
import {
  MAILBOX_APIC_ID, MAILBOX_BYTES, MAILBOX_COMMAND, MAILBOX_PHYS, MAILBOX_VECTOR,
} from "../../assembly/device/map.ts";
import type { Machine } from "../engine/machine.ts";
import { mappings } from "../machine/core-file.ts";
import { locationAt } from "../machine/dwarf/location.ts";
import { isOpenEnded, pathAt, type Type } from "../machine/dwarf/types.ts";
import { type Elf, hex, symbolIn } from "../machine/elf.ts";
import { USER_END } from "../machine/guest.ts";
import { kernelTasks } from "../machine/tasks.ts";
import { kernelGuest } from "./core-dump.ts";
import { liveObjects, type LiveObject } from "./objects.ts";
import { Slabs } from "./slabs.ts";

const PAGE_SHIFT = 12;
const PAGE_MASK = 4095;
const KERNEL_HALF = 0xffffffff00000000n;

export interface Instruction {
  /** The function, "?" where nobody knows. */
  symbol: string;
  /** "kernel", the program's name, "[firmware]" of a parked CPU, "[unknown]" of neither image. */
  image: string;
  /** "file.c:12", or "". */
  source: string;
  rip: bigint;
}

/** Of ACPI's Multiprocessor Wakeup Structure, by place. */
const MAILBOX: readonly [phys: number, name: string][] = [
  [MAILBOX_PHYS + MAILBOX_COMMAND, "mailbox.Command"],
  [MAILBOX_PHYS + MAILBOX_APIC_ID, "mailbox.ApicId"],
  [MAILBOX_PHYS + MAILBOX_VECTOR, "mailbox.WakeupVector"],
];

/** Of a kernel stack. */
export const STACK_BYTES = 16384;

export class Names {
  private readonly machine: Machine;
  /** Linear address of each physical page that a program has, and of those of the kernel. */
  private readonly pages = new Map<number, bigint>();
  /** A kernel address of its image minus this is the physical address. */
  private readonly base?: bigint;
  private readonly objects: LiveObject[];
  readonly slabs: Slabs;
  private readonly stacks: { lin: bigint; name: string }[];

  constructor(machine: Machine) {
    this.machine = machine;
    const guest = kernelGuest(machine);
    const tasks = kernelTasks(guest, machine.view.cpus);
    const put = (cr3: bigint, keep: (lin: bigint) => boolean) => {
      for (const { lin, phys, bytes } of mappings(guest.ram, cr3)) {
        if (!keep(lin)) continue;
        for (let at = 0; at < bytes; at += PAGE_MASK + 1) {
          const page = (phys + at) >>> PAGE_SHIFT;
          if (!this.pages.has(page)) this.pages.set(page, lin + BigInt(at));
        }
      }
    };
    const owners = new Set(tasks.map(({ pgd }) => pgd).filter((pgd) => pgd !== 0n));
    for (const pgd of owners) put(pgd, (lin) => lin < USER_END);
    put(guest.cr3, (lin) => owners.size === 0 || lin >= USER_END);
    this.objects = liveObjects(guest);
    this.base = machine.debugBlock()?.base;
    this.slabs = new Slabs(guest, this.base);
    this.stacks = tasks.map(({ stack, comm, pid }) => ({
      lin: stack, name: `stack of ${comm || "idle"}[${pid}]`,
    })).sort((a, b) => (a.lin < b.lin ? -1 : 1));
  }

  /** The linear address by which a program, or else the kernel, reaches `phys`. */
  linear(phys: number): bigint | undefined {
    const page = this.pages.get(phys >>> PAGE_SHIFT);
    return page === undefined ? undefined : page + BigInt(phys & PAGE_MASK);
  }

  /** What lies at `phys`: "stats.sent", "kioctx.wait.lock", "main+0x12", or the bare address. */
  data(phys: number): string {
    if (phys >= MAILBOX_PHYS && phys < MAILBOX_PHYS + MAILBOX_BYTES) {
      return MAILBOX.findLast(([from]) => from <= phys)![1];
    }
    const lin = this.linear(phys);
    if (lin === undefined) return hex(phys);
    const typed = this.typedAt(phys, lin);
    if (typed) return `${typed.name}${pathAt(typed.type, typed.offset)}`;
    const symbol = this.machine.symbolAt(lin);
    if (symbol) return lin === symbol.lin ? symbol.name : `${symbol.name}+${hex(lin - symbol.lin)}`;
    return this.stackAt(lin) ?? hex(lin);
  }

  /** The memory location that has the byte at `phys`; undefined where no type tells. */
  locationAt(phys: number): { phys: number; bytes: number } | undefined {
    const lin = this.linear(phys);
    const typed = lin === undefined ? undefined : this.typedAt(phys, lin);
    const location = typed && locationAt(typed.type, typed.offset);
    return location && { phys: phys - typed.offset + location.at, bytes: location.bytes };
  }

  /** The variable or the object that has the byte at `phys`, which is at `lin`. */
  private typedAt(
    phys: number, lin: bigint,
  ): { name: string; type: Type; offset: number } | undefined {
    const { kernel, program } = this.machine.debugInfo;
    const info = lin < USER_END && program ? program : kernel;
    const variable = info.types.variableAt(lin);
    if (variable) return { ...variable, offset: Number(lin - variable.lin) };
    if (this.machine.symbolAt(lin)) return undefined;
    // The kernel may reach the page of a program, too, and knows what it made of it.
    const slab = this.slabs.at(phys);
    if (slab?.cache.type) {
      return { name: slab.cache.name, type: slab.cache.type, offset: phys - slab.phys };
    }
    const there = lin < USER_END && this.base !== undefined ? this.base + BigInt(phys) : lin;
    const object = this.objectAt(there);
    return object && { ...object, offset: Number(there - object.lin) };
  }

  /** "stack of w001[18]", if a task's kernel stack is there. */
  stackAt(lin: bigint): string | undefined {
    const stack = this.stacks.findLast((one) => one.lin <= lin);
    return stack && lin - stack.lin < BigInt(STACK_BYTES) ? stack.name : undefined;
  }

  private objectAt(lin: bigint): LiveObject | undefined {
    let [low, high] = [0, this.objects.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.objects[middle].lin <= lin) low = middle + 1;
      else high = middle;
    }
    const found = this.objects[low - 1];
    if (!found) return undefined;
    const bytes = isOpenEnded(found.type) ? PAGE_MASK + 1 : found.type.bytes;
    return lin < found.lin + BigInt(bytes) ? found : undefined;
  }

  /**
   * The instruction whose address has this lower half. There is none at 0: so the CPUs look at
   * memory that firmware has parked and that wait for the kernel to start them.
   */
  instruction(low: number): Instruction {
    if (low === 0) return { symbol: "(parked)", image: "[firmware]", source: "", rip: 0n };
    const { kernel, program, debugInfo } = this.machine;
    // Where both have code at such an address it is the program's: of its kernel it is the few
    // instructions before paging.
    for (const [elf, info] of [[program, debugInfo.program], [kernel, debugInfo.kernel]] as const) {
      const rip = info && codeAt(elf, low);
      if (rip === undefined) continue;
      const line = info!.lines.at(rip);
      return {
        symbol: symbolIn(elf, rip)?.name || "?",
        image: elf === kernel ? "kernel" : info!.name.replace(/^.*\//, ""),
        source: line ? `${line.file.replace(/^.*\//, "")}:${line.line}` : "",
        rip,
      };
    }
    const upper = low >= 2 ** 31 ? KERNEL_HALF : 0n;
    return { symbol: "?", image: "[unknown]", source: "", rip: upper | BigInt(low) };
  }
}

/** The address in code of `elf` that has this lower half. */
function codeAt({ segments }: Elf, low: number): bigint | undefined {
  for (const { lin, memoryBytes, executable } of segments) {
    const offset = (low - Number(lin & 0xffffffffn)) >>> 0;
    if (executable && offset < memoryBytes) return lin + BigInt(offset);
  }
  return undefined;
}
