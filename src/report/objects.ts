// What the kernel has allocated, found as a debugger's user would: from the variables along typed
// pointers. Whatever no typed pointer leads to stays unknown.
import { bare, type Type } from "../machine/dwarf/types.ts";
import type { Guest } from "../machine/guest.ts";

export interface LiveObject {
  lin: bigint;
  type: Type;
  /** As the type is called, without the word struct. */
  name: string;
}

const OBJECTS_MAX = 1 << 16;
/** Elements of one array that are looked at. */
const ELEMENTS_MAX = 4096;

/** By their addresses; without what lies in variables, and inside of others. */
export function liveObjects(guest: Guest): LiveObject[] {
  const found = new Map<bigint, LiveObject>();
  const seen = new Set<string>();
  const waiting: { lin: bigint; type: Type }[] = guest.types.variables.map(
    ({ lin, type }) => ({ lin, type }),
  );
  const visit = (lin: bigint, type: Type) => {
    const here = bare(type);
    if (here.kind === "struct" || here.kind === "union") {
      for (const member of here.members) visit(lin + BigInt(member.at), member.type);
    } else if (here.kind === "array") {
      const inner = bare(here.of);
      if (inner.kind === "base" || inner.kind === "enum") return;
      for (let i = 0; i < Math.min(here.count, ELEMENTS_MAX); i++) {
        visit(lin + BigInt(i * here.of.bytes), here.of);
      }
    } else if (here.kind === "pointer" && here.to) {
      const to = bare(here.to);
      if (to.kind !== "struct" || to.name === "" || to.bytes === 0) return;
      const target = guest.number(lin);
      if (!target || target % 8n !== 0n || seen.size > OBJECTS_MAX) return;
      const key = `${target} ${to.name}`;
      if (seen.has(key) || guest.read(target, to.bytes) === undefined) return;
      seen.add(key);
      waiting.push({ lin: target, type: to });
      if (guest.types.variableAt(target)) return;
      const before = found.get(target);
      // Of a struct and its first member the struct is meant.
      if (before && before.type.bytes >= to.bytes) return;
      found.set(target, { lin: target, type: to, name: to.name });
    }
  };
  for (let next = waiting.pop(); next; next = waiting.pop()) visit(next.lin, next.type);
  const sorted = [...found.values()].sort((a, b) => (a.lin < b.lin ? -1 : a.lin > b.lin ? 1 : 0));
  const outer: LiveObject[] = [];
  for (const object of sorted) {
    const last = outer.at(-1);
    if (last && object.lin < last.lin + BigInt(last.type.bytes)) continue;
    outer.push(object);
  }
  return outer;
}
