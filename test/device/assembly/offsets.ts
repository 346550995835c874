// Where the core has the fields that abi.ts promises to the host.
import { CORE_LAPIC, CORE_MEM } from "../../../assembly/abi";
import { IRR_FIELD, ISR_FIELD } from "../../../assembly/device/lapic-state";
import { Cpu } from "../../../assembly/isa/cpu";
import { Cluster, sharedOf } from "../../../assembly/memory/cluster";
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
export function caches(): usize {
  return CORE_MEM + offsetof<Core>("caches");
}
export function l2(): usize {
  return CORE_MEM + offsetof<Core>("l2");
}
export function shared(): usize {
  return sharedOf(changetype<Cluster>(0));
}
export function irr(): usize {
  return CORE_LAPIC + IRR_FIELD;
}
export function isr(): usize {
  return CORE_LAPIC + ISR_FIELD;
}
