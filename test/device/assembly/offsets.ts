// Where the core has the fields that abi.ts promises to the host.
import { CORE_MEM } from "../../../assembly/abi";
import { Cpu } from "../../../assembly/isa/cpu";
import { Core } from "../../../assembly/memory/core";

export function rax(): usize {
  return offsetof<Cpu>("rax");
}
export function r15(): usize {
  return offsetof<Cpu>("r15");
}
export function fsBase(): usize {
  return offsetof<Cpu>("fsBase");
}
export function gsBase(): usize {
  return offsetof<Cpu>("gsBase");
}
export function cpl(): usize {
  return offsetof<Cpu>("cpl");
}
export function rip(): usize {
  return offsetof<Cpu>("rip");
}
export function rflags(): usize {
  return offsetof<Cpu>("rflags");
}
export function cr2(): usize {
  return offsetof<Cpu>("cr2");
}
export function cr3(): usize {
  return offsetof<Cpu>("cr3");
}
export function badRip(): usize {
  return offsetof<Cpu>("badRip");
}
export function badBytes(): usize {
  return offsetof<Cpu>("badBytes0");
}
export function run(): usize {
  return CORE_MEM + offsetof<Core>("run");
}
export function clock(): usize {
  return CORE_MEM + offsetof<Core>("clock");
}
export function instructions(): usize {
  return CORE_MEM + offsetof<Core>("instructions");
}
export function loadHits(): usize {
  return CORE_MEM + offsetof<Core>("loadHits");
}
export function stores(): usize {
  return CORE_MEM + offsetof<Core>("stores");
}
export function sbHead(): usize {
  return CORE_MEM + offsetof<Core>("sbHead");
}
export function sbCount(): usize {
  return CORE_MEM + offsetof<Core>("sbCount");
}
