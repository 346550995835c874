// CPUID alone, as a module for the test: what a CPU of the machine block answers.
import { cpuid } from "../../../assembly/isa/cpuid";
import { Cpu } from "../../../assembly/isa/cpu";
import { Core } from "../../../assembly/memory/core";

/** EBX, EAX of leaf `eax`, subleaf `ecx` are in the block after it: register() reads them. */
export function ask(core: usize, cpu: u32, eax: u32, ecx: u32): void {
  Core.of(core).cpu = cpu;
  Cpu.of(core).rax = eax;
  Cpu.of(core).rcx = ecx;
  cpuid(core);
}

/** 0 to 3: EAX, EBX, ECX, EDX. */
export function register(core: usize, index: u32): u32 {
  const cpu = Cpu.of(core);
  return <u32>(index == 0 ? cpu.rax : index == 1 ? cpu.rbx : index == 2 ? cpu.rcx : cpu.rdx);
}
