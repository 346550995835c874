// The devices alone, as a module for the tests: what the timing engine calls, with a stand-in for
// time.
import { Core } from "../../../assembly/memory/core";
import { openOutbox as open } from "../../../assembly/memory/message";

export {
  lapicAccept, lapicAck, lapicBase, lapicCr8, lapicDeadline, lapicFire, lapicMsrLegal,
  lapicPending, lapicRead, lapicReadMsr, lapicReset, lapicSetBase, lapicSetCr8,
  lapicSetTscDeadline, lapicWrite, lapicWriteMsr,
} from "../../../assembly/device/lapic";
export { hubRead, hubReset, hubStopped, hubWrite } from "../../../assembly/device/hub";
export { outboxCount } from "../../../assembly/memory/message";

export function setClock(core: usize, clock: u64): void {
  Core.of(core).clock = clock;
}

/** Without the default argument, which a host cannot leave out. */
export function openOutbox(base: usize): void {
  open(base);
}
