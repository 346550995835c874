// The devices alone, as a module for the tests: what the timing engine calls, with a stand-in for
// time.
import { Core } from "../../../assembly/memory/core";

export { nextEvent } from "../../../assembly/device/events";
export {
  hubAccess, hubEoi, hubGranted, hubRead, hubReset, hubStopped, hubWrite, runHub,
} from "../../../assembly/device/hub";
export {
  lapicAccept, lapicAck, lapicBase, lapicCr8, lapicDeadline, lapicFire, lapicMsrLegal,
  lapicPending, lapicRead, lapicReadMsr, lapicReset, lapicSetBase, lapicSetCr8,
  lapicSetTscDeadline, lapicWrite, lapicWriteMsr,
} from "../../../assembly/device/lapic";
export { openOutbox, outboxCount } from "../../../assembly/memory/message";
export { loadParameters } from "../../../assembly/memory/params";

export function setClock(core: usize, clock: u64): void {
  Core.of(core).clock = clock;
}
