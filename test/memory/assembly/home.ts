// The home agents alone, as a module for the test: transactions one by one.
import { Message } from "../../../assembly/memory/message";
import { homeTransact, openHome } from "../../../assembly/memory/home";
import { loadParameters } from "../../../assembly/memory/params";

export { grantState, grantTime, losers, lossTime } from "../../../assembly/memory/home";

/** Room for a message below the replica. */
const MESSAGE_BYTES: usize = 64;

export function open(base: usize): void {
  loadParameters();
  openHome(base + MESSAGE_BYTES);
}

/** A request of `cluster` at cycle `time`; `base` as given to open(). */
export function transact(base: usize, kind: u32, cluster: u32, line: u32, time: u64): void {
  const m = Message.at(base, 0);
  m.time = time;
  m.kind = <u16>kind;
  m.destination = cluster;
  m.line = line;
  m.value = 0;
  homeTransact(m, time);
}
