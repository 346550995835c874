// Of a failure that is about several objects: of each a line, with what its machine held before the
// access by which it failed.
import type { Failure, OtherFailure } from "../cases/case.ts";
import type { Finder, Part } from "../cases/report-plan.ts";
import type { Place } from "../machine/guest.ts";
import { fieldOf, type ShownField } from "./case-report-fields.ts";
import { bareHex, type Session } from "./crash/session.ts";

export type OthersPart = Extract<Part, { others: unknown }>;

/** For each of them the machine goes back once. */
const OTHERS_MAX = 64;

export const othersOf = ({ others = [] }: Failure): OtherFailure[] => others.slice(0, OTHERS_MAX);

/** The object of which `others.member` is at Failure.object. */
function placeOf(session: Session, { others }: OthersPart, object: bigint): Place {
  const type = session.type(others.type);
  const at = session.member({ lin: 0n, type }, others.member).lin;
  return { lin: object + session.machine.debugBlock()!.base - at, type };
}

/** `here` is the machine before it; `found` looks for what the part names. */
export function otherField(
  part: OthersPart, other: OtherFailure, here: Session,
  found: (finder: Finder) => Place | undefined,
): ShownField {
  const place = placeOf(here, part, other.object);
  here.named.set("$each", place);
  for (const finder of part.find) {
    const one = here.named.has(`$${finder.as}`) ? undefined : found(finder);
    if (one) here.named.set(`$${finder.as}`, one);
  }
  const fields = part.columns.map((column) => {
    const { name, text, value } = fieldOf(here, column);
    return `${name} ${value === undefined ? part.others.unknown : text}`;
  });
  for (const name of ["each", ...part.find.map(({ as }) => as)]) here.named.delete(`$${name}`);
  return {
    name: `${part.others.type} ${bareHex(place.lin)}`, text: `${fields.join(", ")}; ${other.what}`,
  };
}

/** What is in use at the end and has no line; and how many have none as they are too many. */
export function restOf(
  part: OthersPart, session: Session, failure: Failure, inUse: readonly Place[],
): ShownField[] {
  const { others = [] } = failure;
  const told = new Set(others.filter(({ freed }) => !freed)
    .map(({ object }) => placeOf(session, part, object).lin));
  const unheard = inUse.filter(({ lin }) => !told.has(lin)).map(({ lin }) =>
    ({ name: `${part.others.type} ${bareHex(lin)}`, text: part.others.unheard }));
  const left = others.length - othersOf(failure).length;
  return left > 0 ? [...unheard, { name: "more", text: `${left}, not told here` }] : unheard;
}
