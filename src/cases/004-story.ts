// Case 004's trace while the machine runs: what kicksIn() finds, and the records around the first
// violation, which a long run's ring has lost by its end.
import { TRACE_ISSUE, type TraceEvent } from "../core/trace.ts";
import type { Machine } from "../engine/machine.ts";
import type { Follower } from "../engine/pieces.ts";
import { FsBlock } from "../machine/fs-block.ts";
import { isOfKick } from "./004-life.ts";
import { type KickLayout, KickReader, type Kicks } from "./004-trace.ts";
import { DIO } from "./dio-trace.ts";
import { LateAccesses } from "./shadow.ts";

const NONE: Kicks = { violations: [], counts: {}, tries: 0, wakes: 0, near: 0 };

export class KickStory implements Follower {
  /** By the allocator's labels, whatever the access is. */
  readonly shadow: LateAccesses;
  /** Requests by O_DIRECT: struct dio that were begun. */
  direct = 0;
  private readonly machine: Machine;
  private reader?: KickReader;
  private before: readonly TraceEvent[] = [];
  /** Of the first violation: the pieces in which it began and was seen. */
  private around: TraceEvent[] = [];

  constructor(machine: Machine) {
    this.machine = machine;
    this.shadow = new LateAccesses(machine, "struct kiocb");
  }

  get kicks(): Kicks {
    return this.reader?.found ?? NONE;
  }

  /** Undefined until a request is made. */
  get layout(): KickLayout | undefined {
    return this.reader?.layout;
  }

  /** Records with the steps that led to the first violation. */
  get events(): readonly TraceEvent[] {
    return this.around;
  }

  take(events: readonly TraceEvent[]): void {
    this.shadow.take(events);
    this.direct += events.filter(beginsDio).length;
    const own = events.filter(isOfKick);
    if (own.length === 0) return;
    // The first request has been made by now, so the kernel knows how big they are.
    const layout = this.reader ? undefined : layoutOf(this.machine);
    if (layout) this.reader = new KickReader(layout);
    for (const event of own) this.reader?.take(event);
    if (this.kicks.violations.length > 0 && this.around.length === 0) {
      this.around = [...this.before, ...own];
    }
    this.before = own;
  }
}

const beginsDio = ({ label, kind }: TraceEvent) => label === DIO.S1 && kind === TRACE_ISSUE;

/** Undefined in a kernel without a file system. */
function layoutOf(machine: Machine): KickLayout | undefined {
  const block = machine.debugBlock();
  const fs = block && FsBlock.of(block, machine.kernelVariable("smpbox_fs"));
  const bytes = fs?.sizeOf("struct kiocb");
  return block && bytes ? { bytes, base: block.base } : undefined;
}
