// CPUID: the topology of the machine, and the features of this ISA, the same on every one (SDM Vol.
// 2A, "CPUID"). Family 6, model 15 (Core 2).
import {
  MACHINE_BASE, M_APIC_CORE_SHIFT, M_APIC_PACKAGE_SHIFT, M_CPUS, M_TSC_KHZ,
} from "../abi";
import { Core } from "../memory/core";
import { apicId, param } from "../memory/params";
import { Cpu } from "./cpu";

const LEAF_LAST: u32 = 0x15;
const EXTENDED_LAST: u32 = 0x80000008;
const SIGNATURE: u32 = 0x6fb; // family 6, model 15, stepping 11

// Leaf 1, EDX: TSC MSR PAE CX8 APIC SEP.. as far as they are there
const FEATURES_EDX: u32 = (1 << 3) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 8) | (1 << 9) |
  (1 << 13) |
  (1 << 15) | (1 << 16) | (1 << 19);
const FEATURE_HTT: u32 = 1 << 28;
// Leaf 1, ECX: CX16 x2APIC MOVBE POPCNT TSC-deadline hypervisor
const FEATURES_ECX: u32 = (1 << 13) | (1 << 21) | (1 << 22) | (1 << 23) | (1 << 24) | (1 << 31);
// Leaf 7, EBX: FSGSBASE BMI1 BMI2
const STRUCTURED_EBX: u32 = (1 << 0) | (1 << 3) | (1 << 8);
// Leaf 80000001H: LAHF, LZCNT, PREFETCHW in ECX; SYSCALL NX 1-GByte pages RDTSCP long mode in EDX
const EXTENDED_ECX: u32 = (1 << 0) | (1 << 5) | (1 << 8);
const EXTENDED_EDX: u32 = (1 << 11) | (1 << 20) | (1 << 26) | (1 << 27) | (1 << 29);
const LEVEL_SMT: u32 = 1; // leaf 0BH, ECX[15:8]
const LEVEL_CORE: u32 = 2;
const INVARIANT_TSC: u32 = 1 << 8; // leaf 80000007H, EDX
const PHYSICAL_BITS: u32 = 40;
const LINEAR_BITS: u32 = 48;

function answer(core: usize, eax: u32, ebx: u32, ecx: u32, edx: u32): void {
  const cpu = Cpu.of(core);
  cpu.rax = eax;
  cpu.rbx = ebx;
  cpu.rcx = ecx;
  cpu.rdx = edx;
}

/** The CPUs whose APIC IDs are alike above the lowest `shift` bits. */
function cpusAlike(id: u32, shift: u32): u32 {
  let count: u32 = 0;
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    if (apicId(cpu) >> shift == id >> shift) count++;
  }
  return count;
}

/** Topology (leaf 0BH): the threads of the core, the CPUs of the package. */
function topology(core: usize, level: u32): void {
  const id = apicId(Core.of(core).cpu);
  const kind: u32 = level == 0 ? LEVEL_SMT : level == 1 ? LEVEL_CORE : 0;
  if (!kind) return answer(core, 0, 0, level & 0xff, id);
  const shift = param(level == 0 ? M_APIC_CORE_SHIFT : M_APIC_PACKAGE_SHIFT);
  answer(core, shift, cpusAlike(id, shift), level | (kind << 8), id);
}

/** APIC IDs that are set aside for the CPUs of a package. */
function packageIds(): u32 {
  return min<u32>(1 << param(M_APIC_PACKAGE_SHIFT), 255);
}

/** EAX, EBX, ECX, EDX := what leaf EAX, subleaf ECX says */
export function cpuid(core: usize): void {
  const cpu = Cpu.of(core);
  const subleaf = <u32>cpu.rcx;
  const id = apicId(Core.of(core).cpu);
  switch (<u32>cpu.rax) {
    case 0: // "GenuineIntel"
      answer(core, LEAF_LAST, 0x756e6547, 0x6c65746e, 0x49656e69);
      break;
    case 1:
      answer(
        core, SIGNATURE, (id << 24) | (packageIds() << 16) | (8 << 8), FEATURES_ECX,
        FEATURES_EDX | (packageIds() > 1 ? FEATURE_HTT : 0),
      );
      break;
    case 7:
      answer(core, 0, subleaf ? 0 : STRUCTURED_EBX, 0, 0);
      break;
    case 0xb:
      topology(core, subleaf);
      break;
    case 0x15: // TSC = crystal * 1 / 1; the crystal's rate is a u32: ours is below 4.29 GHz
      answer(core, 1, 1, load<u32>(MACHINE_BASE + M_TSC_KHZ) * 1000, 0);
      break;
    case 0x80000000:
      answer(core, EXTENDED_LAST, 0, 0, 0);
      break;
    case 0x80000001:
      answer(core, 0, 0, EXTENDED_ECX, EXTENDED_EDX);
      break;
    case 0x80000007:
      answer(core, 0, 0, 0, INVARIANT_TSC);
      break;
    case 0x80000008:
      answer(core, PHYSICAL_BITS | (LINEAR_BITS << 8), 0, 0, 0);
      break;
    default:
      answer(core, 0, 0, 0, 0);
  }
}
