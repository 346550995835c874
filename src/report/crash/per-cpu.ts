// Variables of which each CPU has one, by the names that crash(8) has for them (aliases.ts): here
// they are members of struct cpu.
import { memberNamed } from "../../machine/dwarf/types.ts";
import { InputError } from "../../machine/preset.ts";
import { PER_CPU } from "./aliases.ts";
import { typeName } from "./print.ts";
import type { Session } from "./session.ts";

const memberOfCpu = ({ guest }: Session, name: string) => {
  const cpu = guest.types.find("struct cpu");
  return cpu && Object.hasOwn(PER_CPU, name) ? memberNamed(cpu, PER_CPU[name]) : undefined;
};

export const perCpuNames = (session: Session): string[] =>
  Object.keys(PER_CPU).filter((name) => memberOfCpu(session, name));

/** What px and pd print of such a variable by its name, as crash does; undefined if it is none. */
export function perCpuLines(session: Session, name: string): string[] | undefined {
  const { guest, machine } = session;
  const member = memberOfCpu(session, name);
  const cpus = guest.variable("cpus");
  if (!member || !cpus) return undefined;
  return [
    "PER-CPU DATA TYPE:", `  ${typeName(member.type)} ${name};`, "PER-CPU ADDRESSES:",
    ...guest.elements(cpus).slice(0, machine.view.cpus).map(({ lin }, cpu) =>
      `  [${cpu}]: ${(lin + BigInt(member.at)).toString(16)}`),
  ];
}

/** In the middle of an expression nobody knows which CPU's is meant. */
export function refusePerCpu(session: Session, name: string): void {
  if (!memberOfCpu(session, name)) return;
  throw new InputError(`${name}: each CPU has one; px ${name} lists their addresses`);
}
