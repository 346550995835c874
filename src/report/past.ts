// A run that has ended, as it was before: the machine once more, stopped at cycles that only grow.
import { M_WINDOW_CYCLES } from "../../assembly/abi.ts";
import type { Machine } from "../engine/machine.ts";
import { Session } from "./crash/session.ts";
import { LOCK_OPTIONS } from "./locks.ts";

export class Past {
  private readonly session: Session;
  private readonly locks: boolean;
  private readonly signal?: AbortSignal;
  private machine?: Machine;

  /** `session` is that of the end; `locks`: it will be asked who holds one (locks.ts). */
  constructor(session: Session, locks: boolean, signal?: AbortSignal) {
    this.session = session;
    this.locks = locks;
    this.signal = signal;
  }

  /**
   * The machine at the last window boundary before `cycle`, until the next call. One that was idle
   * passes over boundaries; nobody asks about those, as an access is what happens at a cycle.
   */
  async before(cycle: bigint): Promise<Session> {
    const { subject, machine } = this.session;
    const trace = this.locks ? LOCK_OPTIONS : { traceEvents: 0 };
    this.machine ??= await machine.again({ workers: 1, counters: true, ...trace });
    const window = BigInt(this.machine.view.u32(M_WINDOW_CYCLES));
    await this.machine.runTo(cycle - (cycle % window), { signal: this.signal });
    return new Session({ ...subject, machine: this.machine, result: undefined });
  }

  close(): void {
    this.machine?.close();
  }
}
