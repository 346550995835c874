// Memory of a machine that was stopped, as functions of its image find it: the capsule's snapshot,
// by the page tables of a CPU on which the image is mapped.
import { type Elf, hex } from "../machine/elf.ts";
import { InputError } from "../machine/preset.ts";
import { mappedPages, translate } from "../machine/page-walk.ts";
import type { Capsule } from "./capsule.ts";
import { Machine } from "./machine.ts";

export interface Piece {
  lin: bigint;
  data: Uint8Array;
}

const PAGE = 4096;
/** More than fits into the engine beside its states. */
const BYTES_MAX = 256 << 20;

/** Pages that are mapped and not all zero, neighbours together. */
export async function piecesOf({ options, snapshot }: Capsule, elf: Elf): Promise<Piece[]> {
  if (!snapshot) throw new InputError("the capsule has no snapshot: record it with --snapshot-at");
  const machine = await Machine.create({ ...options, workers: 1 }, snapshot);
  try {
    const ram = machine.ramView();
    const cr3 = mappedBy(machine, ram, elf);
    if (cr3 === undefined) {
      throw new InputError(`no CPU has ${hex(elf.entry)} mapped at cycle ${snapshot.now}: ` +
        "take the snapshot while the image runs");
    }
    return piecesIn(machine.view.ram, mappedPages(ram, cr3), elf);
  } finally {
    machine.close();
  }
}

function mappedBy(machine: Machine, ram: DataView, elf: Elf): bigint | undefined {
  for (let cpu = 0; cpu < machine.view.cpus; cpu++) {
    const { cr3 } = machine.view.cpu(cpu);
    if (cr3 && translate(ram, cr3, elf.entry) !== undefined) return cr3;
  }
  return undefined;
}

/**
 * A physical page with several addresses is taken once: two copies of one word would be two words.
 * First where the image lies, then from the top down: a kernel's own mapping of all RAM is there.
 */
function piecesIn(
  ram: Uint8Array, pages: { lin: bigint; phys: number }[], elf: Elf,
): Piece[] {
  const inImage = (lin: bigint) => elf.segments.some((segment) =>
    lin + BigInt(PAGE) > segment.lin && lin < segment.lin + BigInt(segment.memoryBytes));
  const unsigned = pages.map((page) => ({ ...page, image: inImage(page.lin) }));
  unsigned.sort((a, b) => Number(b.image) - Number(a.image) || (a.lin < b.lin ? 1 : -1));
  const taken = new Set<number>();
  const kept: { lin: bigint; data: Uint8Array }[] = [];
  for (const { lin, phys, image } of unsigned) {
    if (taken.has(phys)) continue;
    taken.add(phys);
    const data = ram.slice(phys, phys + PAGE);
    if (image || data.some((byte) => byte !== 0)) kept.push({ lin, data });
  }
  if (kept.length * PAGE > BYTES_MAX) {
    throw new InputError(`the snapshot has more than ${BYTES_MAX >> 20} MiB of memory in use`);
  }
  return joined(kept.sort((a, b) => (a.lin < b.lin ? -1 : 1)));
}

function joined(pages: Piece[]): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < pages.length;) {
    let end = at + 1;
    while (end < pages.length && pages[end].lin === pages[end - 1].lin + BigInt(PAGE)) end++;
    const data = new Uint8Array((end - at) * PAGE);
    for (let i = at; i < end; i++) data.set(pages[i].data, (i - at) * PAGE);
    pieces.push({ lin: pages[at].lin, data });
    at = end;
  }
  return pieces;
}
