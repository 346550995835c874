// IN and OUT, and who may use which port (SDM Vol. 1 19.5, "I/O Protection").
import { portIo } from "../memory/port";
import { Core } from "../memory/core";
import { read } from "./access";
import { Cpu, GP, RAX, RDX, getReg, raise, setReg } from "./cpu";
import { IMMEDIATE, Rec } from "./record";

/** Offset of the I/O map base in the TSS. */
const IO_MAP_AT: u32 = 102;

/** False = #GP, or a stall on the way to the I/O permission map. */
export function ioAllowed(core: usize, port: u32, size: u32): bool {
  const cpu = Cpu.of(core);
  if (cpu.cpl <= <u32>(cpu.rflags >> 12) & 3) return true;
  if (cpu.trLimit < IO_MAP_AT + 1) return raise(core, GP, 0);
  let host = read(core, cpu.trBase + IO_MAP_AT, 2, false, GP);
  if (!host) return false;
  const at = <u32>load<u16>(host) + (port >> 3);
  if (at + 1 > cpu.trLimit) return raise(core, GP, 0);
  host = read(core, cpu.trBase + at, 2, false, GP);
  if (!host) return false;
  const bits = (<u32>load<u16>(host) >> (port & 7)) & ((1 << size) - 1);
  return bits ? raise(core, GP, 0) : true;
}

// @ts-ignore: decorator
@inline
function portOf(core: usize, p: usize): u32 {
  const rec = Rec.at(p);
  return <u32>rec.flags & IMMEDIATE ? <u32>rec.imm : <u32>getReg<u16>(core, RDX);
}

/** IN */
export function input(core: usize, p: usize): bool {
  const size = <u32>Rec.at(p).size;
  const port = portOf(core, p);
  if (!ioAllowed(core, port, size)) return false;
  if (!portIo(core, port, size, false, 0)) return false;
  const value = Core.of(core).ioValue;
  if (size == 1) setReg<u8>(core, RAX, <u8>value);
  else if (size == 2) setReg<u16>(core, RAX, <u16>value);
  else setReg<u32>(core, RAX, <u32>value);
  return true;
}

/** OUT */
export function output(core: usize, p: usize): bool {
  const size = <u32>Rec.at(p).size;
  const port = portOf(core, p);
  if (!ioAllowed(core, port, size)) return false;
  const value = getReg<u64>(core, RAX) & ((<u64>1 << (size << 3)) - 1);
  return portIo(core, port, size, true, value);
}
