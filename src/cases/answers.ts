// What a case's program counted: from its memory while it runs, from what it said once it has
// exited.
import type { Stopped } from "./case.ts";

/**
 * The sums of the u64s called `names`, in this order at the start of `variable`, which is a struct
 * or, with `bytes` each, an array of them.
 */
export function answersOf<Name extends string>(
  { machine, console }: Stopped, variable: string, names: readonly Name[], bytes?: number,
): Record<Name, number> {
  const sums = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  const stats = machine.userVariable(variable);
  if (!stats) {
    for (const [, name, count] of console.matchAll(/\b(\w+)=(\d+)\b/g)) {
      if (Object.hasOwn(sums, name!)) sums[name as Name] += Number(count);
    }
    return sums;
  }
  for (let at = 0; at < stats.byteLength; at += bytes ?? stats.byteLength) {
    names.forEach((name, i) => {
      sums[name] += Number(stats.getBigUint64(at + 8 * i, true));
    });
  }
  return sums;
}
