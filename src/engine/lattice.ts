// Placements in their order: what each orders at every site, as bits. Full fences all wait until
// the store buffer is empty, so that placements which differ in their kinds only have the same
// states, one by one, and are one class. One class orders at least what another one does when it
// has all of its bits.
import type { Kind, Placement, Site } from "../machine/sites.ts";
import { InputError } from "../machine/input.ts";

/** What can be chosen, whatever it is that is patched. */
export type Choice = Pick<Site, "name" | "kinds">;

const PLACEMENTS_MAX = 100_000;
const SFENCE = 1;
const LFENCE = 2;
const FULL = SFENCE | LFENCE;
const BITS = 2;

function bitsOf(kind: Kind): number {
  if (kind === "none" || kind === "plain") return 0;
  return kind === "sfence" ? SFENCE : kind === "lfence" ? LFENCE : FULL;
}

export function isFull(kind: Kind): boolean {
  return bitsOf(kind) === FULL;
}

/** Of the class of a placement; sites without a choice have no bits, so that 16 sites have room. */
export interface Class {
  bits: number;
  placements: Placement[];
}

/** Every placement, weakest first. */
export function allPlacements(choices: readonly Choice[]): Placement[] {
  const count = choices.reduce((product, { kinds }) => product * kinds.length, 1);
  if (count > PLACEMENTS_MAX) {
    throw new InputError(`${count} placements are too many: choose sites with --sites, or kinds ` +
      "with --kinds none,mfence");
  }
  let all: [string, Kind][][] = [[]];
  for (const { name, kinds } of choices) {
    all = all.flatMap((front) => kinds.map((kind) => [...front, [name, kind] as [string, Kind]]));
  }
  return all.map((items) => new Map(items)).sort((a, b) => weight(a) - weight(b));
}

const RANK = [0, 1, 1, 2];
const weight = (placement: Placement) =>
  [...placement.values()].reduce((sum, kind) => sum + RANK[bitsOf(kind)], 0);

/** Of these placements, weakest first. */
export function classesOf(
  choices: readonly Choice[], placements: readonly Placement[],
): Class[] {
  const chosen = choices.filter(({ kinds }) => kinds.length > 1).map(({ name }) => name);
  const classes = new Map<number, Class>();
  for (const placement of placements) {
    const bits = chosen.reduce((sum, name, i) =>
      sum | (bitsOf(placement.get(name)!) << (BITS * i)), 0);
    const known = classes.get(bits);
    if (known) known.placements.push(placement);
    else classes.set(bits, { bits, placements: [placement] });
  }
  return [...classes.values()];
}

/** Does `b` order at least what `a` does? */
export const atMost = (a: number, b: number) => (a & ~b) === 0;

/** The classes that order less at one site, and as much at all others. */
export function below(item: Class, byBits: ReadonlyMap<number, Class>): Class[] {
  const found: Class[] = [];
  for (let i = 0; i < 32; i += BITS) {
    const here = (item.bits >>> i) & FULL;
    if (!here) continue;
    // From a full fence to a half one, or where the site has none, to nothing at all.
    const rest = item.bits & ~(FULL << i);
    const halves = here === FULL ? [SFENCE, LFENCE].flatMap((bit) =>
      byBits.get(rest | (bit << i)) ?? []) : [];
    const none = byBits.get(rest);
    if (halves.length) found.push(...halves);
    else if (none) found.push(none);
  }
  return found;
}
