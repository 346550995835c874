// struct: a type in memory, some of its members, or its layout.
import { bare, memberNamed, memberOf, type Type } from "../../machine/dwarf/types.ts";
import { InputError } from "../../machine/preset.ts";
import { whyAbsent } from "./aliases.ts";
import { layoutLines, type Radix, typeName, valueLines } from "./print.ts";
import type { Session } from "./session.ts";

const USAGE = "usage: struct [-x|-d] [-o] TYPE[.MEMBER[,MEMBER...]] [ADDRESS]";

/** As in crash: in decimal by default, and of several members each by itself. */
export function struct(session: Session, words: string[]): string[] {
  const given = words.filter((one) => !/^(-[xdo]|struct|union)$/.test(one));
  const [name, address, extra] = given;
  if (!name || extra || name.startsWith("-")) throw new InputError(USAGE);
  const [, typeWord, rest] = /^(\w+)(?:\.(\w+(?:[.,]\w+)*))?$/.exec(name) ?? [];
  if (typeWord === undefined) throw new InputError(USAGE);
  const type = session.type(typeWord);
  const paths = rest === undefined ? [] : rest.split(",").map((path) => path.split("."));
  for (const path of paths) requireMember(type, path);
  const lin = address === undefined ? undefined : addressOf(session, address);
  if (lin === undefined || words.includes("-o")) return layoutOf(type, paths, lin);
  const radix = words.includes("-x") ? 16 : 10;
  if (paths.length) return paths.flatMap((path) => memberLines(session, lin, type, path, radix));
  const [first, ...more] = valuesAt(session, lin, type, radix);
  return [`${typeName(bare(type))} ${first}`, ...more];
}

/** A number is hexadecimal even without a letter in it; of a pointer it is where that leads. */
function addressOf(session: Session, text: string): bigint {
  const lin = /^[0-9a-f]+$/i.test(text) ? session.address(text) : session.evaluate(text);
  if (session.guest.read(lin, 1) === undefined) throw session.unmapped(lin);
  return lin;
}

const valuesAt = (session: Session, lin: bigint, type: Type, radix: Radix) =>
  valueLines(session.guest, lin, type, radix, (to) => session.functionAt(to));

/** "  refcount = {", and what is in it deeper. */
function memberLines(
  session: Session, lin: bigint, type: Type, path: readonly string[], radix: Radix,
): string[] {
  const place = session.member({ lin, type }, path.join("."));
  const whole = path.length > 1 ? memberOf(type, path.slice(0, -1).join("."))!.type : type;
  const shown = session.scope.shownAs!(whole, path.at(-1)!, place.type);
  const [first, ...more] = valuesAt(session, place.lin, shown, radix);
  return [`  ${path.join(".")} = ${first}`, ...more.map((line) => `  ${line}`)];
}

/** Offsets, or addresses if it lies at `lin`; of each path the struct that it ends in. */
function layoutOf(type: Type, paths: readonly string[][], lin?: bigint): string[] {
  if (paths.length === 0) return layoutLines(type, lin);
  return paths.flatMap((path) => {
    const whole = path.length > 1 ? memberOf(type, path.slice(0, -1).join("."))! : { at: 0, type };
    return layoutLines(whole.type, lin === undefined ? lin : lin + BigInt(whole.at), path.at(-1));
  });
}

/** Throws InputError, with the members that there are, if `path` leads to none. */
function requireMember(type: Type, path: readonly string[]): void {
  let here = type;
  for (const name of path) {
    const found = memberNamed(here, name);
    if (!found) {
      const all = namesOf(here).join(", ");
      const of = typeName(bare(here));
      throw new InputError(`${of} has no member ${name}` +
        (whyAbsent(`${of}.${name}`) || (all ? `; it has ${all}` : "; it has none at all")));
    }
    here = found.type;
  }
}

/** Those of unnamed members, too. */
function namesOf(type: Type): string[] {
  const here = bare(type);
  if (here.kind !== "struct" && here.kind !== "union") return [];
  return here.members.flatMap((member) => (member.name ? [member.name] : namesOf(member.type)));
}
