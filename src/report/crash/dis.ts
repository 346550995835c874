// dis: instructions, with the symbols that they call and jump to.
import { disassemble, type Line } from "../../machine/disassemble.ts";
import { InputError } from "../../machine/preset.ts";
import { countOf } from "./memory.ts";
import { bareHex, type Session } from "./session.ts";
import { segmentAt } from "./symbols.ts";

const CODE_BYTES = 15;
const PLACE_WIDTH = 40;

export async function dis(session: Session, place: string, count?: string): Promise<string[]> {
  const from = session.address(place);
  if (segmentAt(session, from)?.executable === false) {
    throw new InputError(`${place}: it is data, not instructions; rd ${place} shows its words`);
  }
  const whole = session.machine.symbolAt(from);
  const all = count === undefined && whole?.lin === from;
  const bytes = all ? whole.bytes : CODE_BYTES * countOf(count, 1);
  const code = session.guest.readSome(from, bytes);
  if (code.length === 0) throw session.unmapped(from);
  const lines = await disassemble(code, from);
  const shown = all ? lines : lines.slice(0, countOf(count, 1));
  return shown.map((line) => {
    const at = `0x${bareHex(line.lin)} <${session.symbolic(line.lin)}>:`;
    return `${at.padEnd(PLACE_WIDTH)} ${textOf(session, line)}`;
  });
}

/** "call 0xffffffff80211770 <io_schedule>" */
function textOf(session: Session, { text, target }: Line): string {
  if (target === undefined) return text;
  const name = session.machine.symbolAt(target) ? ` <${session.symbolic(target)}>` : "";
  return text.replace(/0x[0-9a-f]+$/, `0x${bareHex(target)}${name}`);
}
