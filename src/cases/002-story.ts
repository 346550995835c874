// Case 002's trace while the machine runs: requests, the kiocb that each was made for, and what
// the events of that kiocb say. The steps of aio_complete() name the kiocb and the slot of the
// ring; the result is read from the slot, before another event can be there.
import { TRACE_COMMIT, TRACE_ISSUE, type TraceEvent } from "../core/trace.ts";
import type { Machine } from "../engine/machine.ts";
import type { Follower } from "../engine/pieces.ts";
import { AIO } from "./aio-labels.ts";
import { access, DIO, DioReader, type DioRequest, stepOf } from "./dio-trace.ts";
import { LateAccesses } from "./shadow.ts";

/** From `obj` of an io_event, which A1 stores, to `res` (workloads/kernel/aio/aio.h). */
const RES = 8n;
const EIO = -5n;

/** One event of a ring. */
interface Event {
  /** Physical address of its `obj`. */
  slot: bigint;
  /** Not yet read, read, or another event came into the slot before. */
  state: "new" | "read" | "gone";
  result: bigint;
}

/** A kiocb, from K0 to the next one in its place. */
export interface Iocb {
  request?: DioRequest;
  events: Event[];
}

export class RequestStory implements Follower {
  /** Accesses that are steps of direct I/O. */
  readonly steps: TraceEvent[] = [];
  readonly requests: DioRequest[] = [];
  readonly iocbs: Iocb[] = [];
  /** Of any object of the slab. */
  readonly shadow: LateAccesses;
  /** Ends of requests that were put into the kiocb of another one: their own was gone. */
  readonly strangers: TraceEvent[] = [];
  private readonly machine: Machine;
  private readonly reader = new DioReader((request) => this.begin(request));
  /** By the address of ki_users. */
  private readonly current = new Map<bigint, Iocb>();
  /** By CPU: K0 was there, and S1 not yet. Nothing between the two sleeps on a raw disk. */
  private readonly made = new Map<number, Iocb>();
  /** By CPU: A1 was there, and P, which says whose it is, not yet. ctx_lock is held. */
  private readonly posted = new Map<number, Event>();
  /** By CPU: the last P that was there. */
  private readonly put = new Map<number, TraceEvent>();
  /** By CPU: those whose A3 is not visible yet, in their order. */
  private readonly hidden = new Map<number, Event[]>();
  /** By slot: the last one there. */
  private readonly slots = new Map<bigint, Event>();
  /** Visible, and not read. */
  private visible: Event[] = [];

  constructor(machine: Machine) {
    this.machine = machine;
    this.shadow = new LateAccesses(machine);
  }

  take(events: readonly TraceEvent[]): void {
    for (const event of events) {
      if (stepOf(event)) this.steps.push(event);
      if (event.label === AIO.A3 && event.kind === TRACE_COMMIT) this.show(event.cpu);
      else if (event.kind === TRACE_ISSUE) this.follow(event);
      this.reader.take(event);
    }
    this.shadow.take(events);
    const { ram } = this.machine.view;
    const memory = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
    for (const event of this.visible) {
      if (event.state === "gone") continue;
      event.state = "read";
      event.result = memory.getBigInt64(Number(event.slot + RES), true);
    }
    this.visible = [];
  }

  private begin(request: DioRequest): void {
    this.requests.push(request);
    const { cpu } = request.events[0];
    const iocb = this.made.get(cpu);
    this.made.delete(cpu);
    if (iocb) iocb.request = request;
  }

  private follow(event: TraceEvent): void {
    const { label, cpu, phys } = event;
    if (label === AIO.K0) {
      const iocb: Iocb = { events: [] };
      this.iocbs.push(iocb);
      this.current.set(phys, iocb);
      this.made.set(cpu, iocb);
    } else if (label === AIO.A1) {
      this.post(cpu, phys);
    } else if (label === AIO.P) {
      const posted = this.posted.get(cpu);
      this.posted.delete(cpu);
      if (posted) this.current.get(phys)?.events.push(posted);
      if (posted) this.put.set(cpu, event);
    } else if (label === DIO.Df) {
      this.checkOwner(event);
    }
  }

  /** Who ends a request has decided so (f4, E2), posts its event, and frees the request. */
  private checkOwner({ cpu, phys }: TraceEvent): void {
    const put = this.put.get(cpu);
    const request = this.reader.current.get(phys & ~63n);
    const decided = request && (access(request, "f4") ?? access(request, "E2"));
    if (!put || decided?.cpu !== cpu || put.time < decided.time) return;
    if (this.current.get(put.phys)?.request !== request) this.strangers.push(put);
  }

  private post(cpu: number, slot: bigint): void {
    const before = this.slots.get(slot);
    if (before?.state === "new") before.state = "gone";
    const event: Event = { slot, state: "new", result: 0n };
    this.slots.set(slot, event);
    this.posted.set(cpu, event);
    const hidden = this.hidden.get(cpu);
    if (hidden) hidden.push(event);
    else this.hidden.set(cpu, [event]);
  }

  /** Stores become visible in their order: so has the result, when the tail has. */
  private show(cpu: number): void {
    const event = this.hidden.get(cpu)?.shift();
    if (event) this.visible.push(event);
  }
}

/** What the events of requests say, against what became of their bios. */
export interface Compared {
  /** Events that were compared. */
  events: number;
  /** Of requests of which a bio failed: they do not say -EIO. */
  masked: number;
  /** Of requests of which none failed: they do not say the whole size. */
  unfounded: number;
  /** Requests with more than one event. */
  twice: number;
}

/** `over` as in judgedOf(); `bytes` of each request. */
export function compare(iocbs: readonly Iocb[], over: boolean, bytes: bigint): Compared {
  const found: Compared = { events: 0, masked: 0, unfounded: 0, twice: 0 };
  for (const { request, events } of iocbs) {
    if (!request || !(over || request.freed)) continue;
    const failed = access(request, "D1") !== undefined;
    const results = events.filter(({ state }) => state === "read").map(({ result }) => result);
    found.events += results.length;
    found.masked += results.filter((result) => failed && result !== EIO).length;
    found.unfounded += results.filter((result) => !failed && result !== bytes).length;
    if (events.length > 1) found.twice++;
  }
  return found;
}
