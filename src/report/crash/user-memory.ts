// A program's own variables, and in whose memory they are: an address of a program means something
// only in the page tables of one process.
import type { DebugInfo } from "../../machine/dwarf/image.ts";
import type { Place } from "../../machine/guest.ts";
import { InputError } from "../../machine/preset.ts";
import type { KernelTask } from "../../machine/tasks.ts";

/** Page tables by their physical address, or why there are none. */
export type Space =
  | { tables: bigint; trouble?: undefined } | { tables?: undefined; trouble: string };

const ADVICE = "choose one with set PID, as ps lists them";

/** Of the task that was chosen, or of the only process there is. */
export function spaceOf(tasks: readonly KernelTask[], context?: KernelTask): Space {
  if (context) {
    const { pgd, pid, comm } = context;
    if (pgd !== 0n) return { tables: pgd };
    return {
      trouble: `an address of a program, but task ${pid} (${comm}) is the kernel's and has no ` +
        `program's memory: ${ADVICE}`,
    };
  }
  const [tables, other] = new Set(tasks.map(({ pgd }) => pgd).filter(Boolean));
  if (tables === undefined) {
    return { trouble: "an address of a program, and none runs at this cycle: choose --at" };
  }
  return other === undefined ? { tables }
    : { trouble: `an address of a program, and there are several processes: ${ADVICE}` };
}

/** Of the program; with `lin` the one that lies there. */
export function variableOf(
  program: DebugInfo | undefined, name: string, lin?: bigint,
): Place | undefined {
  const all = program?.types.variables.filter((one) =>
    one.name === name && (lin === undefined || one.lin === lin)) ?? [];
  const places = new Set(all.map((one) => one.lin));
  if (places.size < 2) return all[0];
  const listed = [...places].map((one) => `0x${one.toString(16)}`).join(", ");
  throw new InputError(`${name}: the program has several; give the address of one: ${listed}`);
}
