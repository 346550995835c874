// The shadow map: which objects are free, told by the labels of the kernel's allocators (its slab
// and illumos' list of requests), and every recorded access to one that is. An object that the
// trace has not seen freed counts as in use. A store belongs to the moment when it was executed:
// what becomes visible after the free was stored before.
import { TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent } from "../core/trace.ts";
import type { Machine } from "../engine/machine.ts";
import { FsBlock, type Slot } from "../machine/fs-block.ts";

/** Ids of workloads/include/smpbox-labels.h: taken, freed, and moved by the allocator itself. */
export const ALLOCATOR = { SA: 80, SF: 81, SL: 82, RA: 83, RF: 84, RL: 85 } as const;

const ACCESSES: ReadonlySet<number> = new Set([TRACE_LOAD, TRACE_ISSUE, TRACE_LOCKED]);
const LINE = 64n;
const REQUEST = "struct aio_req";

/** Where objects are: FsBlock knows it. */
export interface Objects {
  slotAt(phys: bigint): Slot | undefined;
  request: { bytes: number; next: number; prev: number };
}

/** An access to an object that is free, with who freed it. */
export interface LateAccess extends Slot {
  event: TraceEvent;
  freed: TraceEvent;
}

export class ShadowMap {
  /** By object: the store that freed it. */
  private readonly free = new Map<bigint, TraceEvent>();
  /** Requests of illumos' list, by each of their lines. */
  private readonly requests = new Map<bigint, bigint>();
  /** As they are at the time of the next accesses. */
  objects: Objects;

  constructor(objects: Objects) {
    this.objects = objects;
  }

  /** The next access, in the order of their times; a late one is returned. */
  see(event: TraceEvent): LateAccess | undefined {
    if (!ACCESSES.has(event.kind)) return undefined;
    const { SA, SF, SL, RA, RF, RL } = ALLOCATOR;
    switch (event.label) {
      case SL: case RL: return undefined;
      case SA: case SF: return this.changes(this.objects.slotAt(event.phys), event);
      case RA: case RF: return this.changes(this.requestOf(event), event);
    }
    const slot = this.slotAt(event.phys);
    const freed = slot && this.free.get(slot.object);
    return freed && { ...slot, event, freed };
  }

  /** To free what is free is late, too. */
  private changes(slot: Slot | undefined, event: TraceEvent): LateAccess | undefined {
    if (!slot) return undefined;
    const freed = this.free.get(slot.object);
    if (event.label === ALLOCATOR.SA || event.label === ALLOCATOR.RA) {
      this.free.delete(slot.object);
      return undefined;
    }
    this.free.set(slot.object, event);
    return freed && { ...slot, event, freed };
  }

  private slotAt(phys: bigint): Slot | undefined {
    const object = this.requests.get(phys - (phys % LINE));
    return object === undefined ? this.objects.slotAt(phys) : { object, type: REQUEST };
  }

  /** RA is the load of its `next`, RF the store of its `prev`. */
  private requestOf({ label, phys }: TraceEvent): Slot {
    const { bytes, next, prev } = this.objects.request;
    const object = phys - BigInt(label === ALLOCATOR.RA ? next : prev);
    for (let at = 0n; at < BigInt(bytes); at += LINE) this.requests.set(object + at, object);
    return { object, type: REQUEST };
  }
}

/**
 * Accesses to free objects, of one type or of any, of the records of a machine while it runs. Only
 * labelled accesses are seen.
 */
export class LateAccesses {
  count = 0;
  first?: LateAccess;
  private map?: ShadowMap;
  private readonly machine: Machine;
  private readonly type: string | undefined;

  constructor(machine: Machine, type?: string) {
    this.machine = machine;
    this.type = type;
  }

  /** The next records, in the order of their times. */
  take(events: readonly TraceEvent[]): void {
    // A kernel that has not come to its caches yet has freed nothing.
    const block = this.machine.debugBlock();
    const fs = block && FsBlock.of(block, this.machine.kernelVariable("smpbox_fs"));
    if (!fs) return;
    const objects = { slotAt: fs.slots(), request: fs.aioRequest() };
    this.map ??= new ShadowMap(objects);
    this.map.objects = objects;
    for (const event of events) {
      const late = this.map.see(event);
      if (!late || (this.type !== undefined && late.type !== this.type)) continue;
      this.count++;
      this.first ??= late;
    }
  }
}
