// The objects of a slab cache that a report tells: those in use, a row for each, how many.
import type { Condition, Part } from "../cases/report-plan.ts";
import type { Place } from "../machine/guest.ts";
import { fieldOf, type ShownField } from "./case-report-fields.ts";
import { bareHex, type Session } from "./crash/session.ts";
import { Slabs } from "./slabs.ts";

export const holds = (session: Session, place: Place, where: readonly Condition[]) =>
  where.every(([field, wanted]) => session.guest.value(place, field) === session.evaluate(wanted));

/** The objects of a cache that are in use. */
export function inSlab(
  session: Session, { slab, where }: { slab: string; where: Condition[] },
): Place[] {
  const type = session.type(slab);
  const slabs = new Slabs(session.guest, session.machine.debugBlock()?.base);
  const cache = slabs.caches.find(({ name }) => name === slab);
  return (cache ? slabs.objects(cache) : []).flatMap(({ lin, freeOn }) =>
    freeOn === undefined && holds(session, { lin, type }, where) ? [{ lin, type }] : []);
}

/** A row for each, below the names of the columns. */
export function tableOf(
  session: Session, { each, columns }: Extract<Part, { each: unknown }>,
): string[] {
  const rows = inSlab(session, each).map((place) => {
    session.named.set("$each", place);
    return [bareHex(place.lin), ...columns.map((column) => fieldOf(session, column).text)];
  });
  session.named.delete("$each");
  if (rows.length === 0) return ["(there is none)"];
  const table = [[each.slab, ...columns.map(({ name }) => name)], ...rows];
  const widths = table[0].map((_, i) => Math.max(...table.map((row) => row[i].length)));
  return table.map((row) => `  ${row.map((cell, i) => cell.padStart(widths[i])).join("  ")}`);
}

export function talliesOf(
  session: Session, { tally }: Extract<Part, { tally: unknown }>,
): ShownField[] {
  const fields = tally.map(({ name, slab, test }) => {
    const counted = inSlab(session, { slab, where: [] }).filter((place) => {
      session.named.set("$each", place);
      return test === undefined || session.evaluate(test) !== 0n;
    });
    return { name, text: `${counted.length}`, value: BigInt(counted.length) };
  });
  session.named.delete("$each");
  return fields;
}
