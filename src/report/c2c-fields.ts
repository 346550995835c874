// The fields of a line: memory locations that the types know, and where no type tells, what the
// narrowest accesses take for one. Each cell counts in one field. What an access over several
// fields did (the zeroing of a page by words, the copy of a struct) makes them no single one: it is
// told of them together.
import { type Cell, LINE_BYTES } from "../engine/c2c.ts";

/** A CPU that makes less of the accesses to a field only set it up. */
export const USER_SHARE = 0.02;

/** What Names says of a physical address. */
export interface Layout {
  data(phys: number): string;
  locationAt(phys: number): { phys: number; bytes: number } | undefined;
}

/** Bytes of a line that are one datum, or several that instructions touch together. */
export interface Field {
  /** "stats.sent"; of several "stats.sent to stats.received". */
  name: string;
  offset: number;
  bytes: number;
  cells: Cell[];
  accesses: number;
  hitms: number;
  /** HITMs that moved the line for a neighbour, and of which CPUs. */
  falseHitms: number;
  askers: Set<number>;
  /** Where in the line they wrote who made it move. */
  neighbours: Set<number>;
  /** CPUs that use it, and those of them that write it. */
  users: Set<number>;
  writers: Set<number>;
}

interface Extent {
  offset: number;
  bytes: number;
}

export function fieldsOf(phys: number, cells: Iterable<Cell>, layout: Layout): Field[] {
  const narrowFirst = [...cells].sort((a, b) =>
    a.bytes - b.bytes || a.offset - b.offset || a.rip - b.rip);
  const extents = extentsOf(phys, narrowFirst, layout);
  const fields = new Map<number, Field>();
  for (const cell of narrowFirst) {
    const touched = [...new Set(bytesOf(cell).flatMap((at) => extents[at] ?? []))];
    const { offset, bytes } = touched.length === 1 ? touched[0] : cell;
    const key = offset * (LINE_BYTES + 1) + bytes;
    let field = fields.get(key);
    if (!field) {
      const names = touched.map((extent) => layout.data(phys + extent.offset));
      fields.set(key, (field = emptyField(nameOf(names), offset, bytes)));
    }
    field.cells.push(cell);
  }
  for (const field of fields.values()) sumUp(field);
  return [...fields.values()].sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
}

/** The narrowest field with the byte that some access of the line starts at. */
export function fieldAt(fields: readonly Field[], place: number): Field {
  return fields.filter(({ offset, bytes }) => place >= offset && place < offset + bytes)
    .reduce((narrowest, field) => (field.bytes < narrowest.bytes ? field : narrowest));
}

const nameOf = (names: readonly string[]) =>
  names[0] === names.at(-1) ? names[0] : `${names[0]} to ${names.at(-1)}`;

const bytesOf = ({ offset, bytes }: Extent) =>
  Array.from({ length: Math.min(bytes, LINE_BYTES - offset) }, (_, i) => offset + i);

/**
 * By byte of the line at `phys`: the datum that it is in; none where only accesses go that touch
 * another one, too.
 */
function extentsOf(
  phys: number, narrowFirst: readonly Cell[], layout: Layout,
): (Extent | undefined)[] {
  const extents = new Array<Extent | undefined>(LINE_BYTES);
  const put = (extent: Extent) => {
    for (const at of bytesOf(extent)) extents[at] = extent;
  };
  for (const at of new Set(narrowFirst.flatMap(bytesOf))) {
    const known = extents[at] ? undefined : layout.locationAt(phys + at);
    if (!known) continue;
    const offset = Math.max(0, known.phys - phys);
    put({ offset, bytes: Math.min(LINE_BYTES, known.phys + known.bytes - phys) - offset });
  }
  for (const cell of narrowFirst) {
    if (bytesOf(cell).every((at) => !extents[at])) {
      put({ offset: cell.offset, bytes: cell.bytes });
    }
  }
  return extents;
}

function emptyField(name: string, offset: number, bytes: number): Field {
  return {
    name, offset, bytes, cells: [], accesses: 0, hitms: 0, falseHitms: 0,
    askers: new Set(), neighbours: new Set(), users: new Set(), writers: new Set(),
  };
}

function sumUp(field: Field): void {
  const uses = new Map<number, number>();
  const writes = new Set<number>();
  for (const cell of field.cells) {
    for (const [cpu, count] of cell.cpus) {
      field.accesses += count;
      uses.set(cpu, (uses.get(cpu) ?? 0) + count);
      if (cell.access !== "loads") writes.add(cpu);
    }
    for (const count of cell.hitms.values()) field.hitms += count;
    for (const [cpu, byPlace] of cell.falseHitms) {
      for (const [place, count] of byPlace) addFalse(field, cpu, place, count);
    }
  }
  for (const [cpu, count] of uses) {
    if (count < field.accesses * USER_SHARE) continue;
    field.users.add(cpu);
    if (writes.has(cpu)) field.writers.add(cpu);
  }
}

function addFalse(field: Field, cpu: number, place: number, count: number): void {
  // Other bytes of the same datum: nothing to put elsewhere.
  if (place >= field.offset && place < field.offset + field.bytes) return;
  field.falseHitms += count;
  field.askers.add(cpu);
  field.neighbours.add(place);
}
