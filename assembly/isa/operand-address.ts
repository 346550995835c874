// The memory operand of a record: its linear address, and which fault a bad one is.
import { GP, SSFAULT } from "./cpu";
import { Rec, STACK } from "./record";

/** [b] + ([x] << scale) + disp */
// @ts-ignore: decorator
@inline
export function addressOf(core: usize, p: usize): u64 {
  const rec = Rec.at(p);
  return load<u64>(core + <usize>rec.b) + (load<u64>(core + <usize>rec.x) << <u64>rec.scale) +
    <u64>(<i64>rec.disp);
}

/** The exception of a non-canonical address (SDM Vol. 1 3.3.7.1, "Canonical Addressing"). */
export function vectorOf(p: usize): u32 {
  return <u32>Rec.at(p).flags & STACK ? SSFAULT : GP;
}
