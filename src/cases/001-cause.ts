// What kind of failure a hang of case 001 is. The recorded order of instructions is executed again
// with immediate drains: a load then returns what the last store before it in that order stored. If
// the value of a load on which the hang rests is another one, the failure is one of the store
// buffer. Otherwise it is an interleaving, which sequential consistency allows too.
import type { TraceEvent } from "../core/view.ts";
import { isRead, isStore, LABEL } from "./001-trace.ts";

export function causeOf(
  events: readonly TraceEvent[],
  reaper: number,
  kernelBase: bigint,
): "store buffer" | "interleaving" | "not recorded" {
  const last = (find: (event: TraceEvent) => boolean) => events.findLastIndex(find);
  const tailRead = last((e) => e.cpu === reaper && isRead(e, LABEL["2"]));
  const listRead = last((e) => e.cpu !== reaper && isRead(e, LABEL.B));
  const tailStore = last((e) => e.cpu !== reaper && isStore(e, LABEL.A3));
  const listStore = last((e) => e.cpu === reaper && isStore(e, LABEL["1e"]));
  const stateStore = last((e) => e.cpu === reaper && isStore(e, LABEL["1g"]));
  if ([tailRead, tailStore, listStore].some((index) => index < 0)) return "not recorded";
  // The trace is sorted by the time of execution, and equal times stand in the order recorded.
  if (tailStore < tailRead) return "store buffer"; // step 2 would have read the new tail
  if (listRead < 0) return "not recorded";
  const { phys, value } = events[listRead];
  const sawNobody = value === phys + kernelBase; // an empty list points at itself
  if (sawNobody) return listStore < listRead ? "store buffer" : "interleaving";
  // It saw the entry, and the wake-up a task that was not asleep yet.
  return stateStore >= 0 && stateStore < listRead ? "store buffer" : "interleaving";
}
