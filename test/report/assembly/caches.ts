// Where the arrays of the caches are, for a test that reads them out of a stopped machine.
import { CORE_MEM } from "../../../assembly/abi";
import { Line } from "../../../assembly/memory/cache";
import { Cluster, sharedOf } from "../../../assembly/memory/cluster";
import { Core } from "../../../assembly/memory/core";
import { SharedLine } from "../../../assembly/memory/shared-cache";

/** Offsets in a core block. */
export function caches(): usize {
  return CORE_MEM + offsetof<Core>("caches");
}
export function privateLevel2(): usize {
  return CORE_MEM + offsetof<Core>("l2");
}
/** Offset of the array in a cluster. */
export function shared(): usize {
  return sharedOf(changetype<Cluster>(<usize>0));
}
export function lineBytes(): usize {
  return Line.BYTES;
}
export function sharedLineBytes(): usize {
  return SharedLine.BYTES;
}
/** A line begins with its tag; offset of its state. */
export function state(): usize {
  return offsetof<Line>("state");
}
export function sharedState(): usize {
  return offsetof<SharedLine>("state");
}
