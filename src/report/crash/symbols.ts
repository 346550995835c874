// Names and addresses: what a name of the kernel or the program stands for, and that it stands for
// several. A static function that a header gives to several files has one name and many addresses;
// a command that picked one of them would show the wrong code.
import type { Elf, NamedSymbol, Segment } from "../../machine/elf.ts";
import { InputError } from "../../machine/preset.ts";
import type { Session } from "./session.ts";

const SHOWN_MAX = 8;

/** All with this name: the kernel's, or if it has none the program's. */
function symbolsNamed({ machine }: Session, name: string): NamedSymbol[] {
  for (const elf of [machine.kernel, machine.program]) {
    const found = elf.symbols.get(name);
    if (!found) continue;
    const sized = elf.named.filter((one) => one.name === name)
      .filter((one, i, all) => all.findIndex(({ lin }) => lin === one.lin) === i);
    return sized.length ? sized : [{ code: false, local: false, ...found, name }];
  }
  return [];
}

/** The one symbol with this name; undefined if there is none. */
export function symbolNamed(session: Session, name: string): NamedSymbol | undefined {
  const { kernel, program } = session.machine;
  const elf = [kernel, program].find(({ symbols }) => symbols.has(name));
  if (!elf?.ambiguous.has(name)) return symbolsNamed(session, name)[0];
  const all = symbolsNamed(session, name);
  if (all.length < 2) return all[0];
  const shown = all.slice(0, SHOWN_MAX).map((one) => `\n${symbolLine(session, one)}`).join("");
  const more = all.length > SHOWN_MAX ? `\n${all.length - SHOWN_MAX} more: sym ${name}` : "";
  throw new InputError(`${name}: duplicate symbols; give the address of one:${shown}${more}`);
}

/** "sym schedule", "sym ffffffff80211540": with what source line. */
export function sym(session: Session, text: string): string[] {
  const named = symbolsNamed(session, text);
  if (named.length) return named.map((one) => symbolLine(session, one));
  const lin = session.address(text);
  const symbol = session.machine.symbolAt(lin);
  if (!symbol) throw new InputError(`${text}: no symbol has this name or address`);
  return [symbolLine(session, symbol, lin)];
}

/** As crash and nm have them: address, kind, name, source line. */
function symbolLine(session: Session, symbol: NamedSymbol, lin = symbol.lin): string {
  const { name, local } = symbol;
  const letter = letterOf(session, symbol);
  const offset = lin === symbol.lin ? "" : `+${lin - symbol.lin}`;
  const source = symbol.code ? session.source(lin) : "";
  const address = lin.toString(16).padStart(16, "0");
  return `${address} (${local ? letter.toLowerCase() : letter}) ${name}${offset}  ${source}`
    .trimEnd();
}

/** T: instructions, R: constants, D: data, B: zero at the beginning. */
function letterOf(session: Session, { lin }: NamedSymbol): string {
  const segment = segmentAt(session, lin);
  if (!segment) return "A";
  if (segment.executable) return "T";
  if (!segment.writable) return "R";
  return lin < segment.lin + BigInt(segment.data.length) ? "D" : "B";
}

/** Of the kernel or the program. */
export function segmentAt({ machine }: Session, lin: bigint): Segment | undefined {
  const within = ({ segments }: Elf) => segments.find((one) =>
    lin >= one.lin && lin < one.lin + BigInt(one.memoryBytes));
  return within(machine.kernel) ?? within(machine.program);
}
