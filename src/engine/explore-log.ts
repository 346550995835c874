// The log of a replay (assembly/memory/explore-port.ts) as the steps of a witness: which thread did
// what, and what every store buffer holds after it.
import * as abi from "../../assembly/abi.ts";
import type { BufferedStore, WitnessStep } from "./program.ts";

export interface LogEvent {
  kind: number;
  thread: number;
  phys: number;
  size: number;
  value: bigint;
}

export function readLog(view: DataView, from: number, bytes: number): LogEvent[] {
  const events: LogEvent[] = [];
  for (let at = from; at < from + bytes; at += abi.LOG_RECORD_BYTES) {
    events.push({
      kind: view.getUint32(at, true),
      thread: view.getUint32(at + 4, true),
      phys: Number(view.getBigUint64(at + 8, true)),
      size: view.getUint32(at + 16, true),
      value: view.getBigUint64(at + 24, true),
    });
  }
  return events;
}

/** `entries`: where the code of each thread begins. */
export function witnessSteps(
  events: LogEvent[], entries: bigint[], linearOf: (phys: number) => bigint,
): WitnessStep[] {
  const steps: WitnessStep[] = [];
  const buffers: BufferedStore[][] = entries.map(() => []);
  const snapshot = () => buffers.map((stores) => stores.slice());
  let step: WitnessStep | undefined;
  for (const { kind, thread, phys, size, value } of events) {
    if (kind === abi.LOG_EXECUTE) {
      const offset = Number(value - entries[thread]);
      step = { thread, kind: "execute", offset, accesses: [], buffers: snapshot() };
      steps.push(step);
      continue;
    }
    const address = linearOf(phys);
    const shown = BigInt.asUintN(8 * size, value);
    if (kind === abi.LOG_COMMIT) {
      const [{ offset }] = buffers[thread].splice(0, 1);
      const accesses = [{ kind: "store" as const, address, size, value: shown }];
      steps.push({ thread, kind: "commit", offset, accesses, buffers: snapshot() });
      continue;
    }
    if (!step) throw new Error("the log begins with an access");
    const load = kind === abi.LOG_LOAD || kind === abi.LOG_FORWARD;
    const forwarded = kind === abi.LOG_FORWARD ? { forwarded: true } : {};
    step.accesses.push({
      kind: load ? "load" : "store", address, size, value: shown, ...forwarded,
    });
    if (kind === abi.LOG_STORE) {
      buffers[thread].push({ address, size, value: shown, offset: step.offset });
    }
    step.buffers = snapshot();
  }
  return steps;
}
