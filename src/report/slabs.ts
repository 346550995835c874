// The kernel's object caches (workloads/kernel/core/slab.h): which page belongs to which cache, and
// which of its objects are in use. The kernel keeps the tables; nothing is guessed.
import type { Type } from "../machine/dwarf/types.ts";
import type { Guest, Place } from "../machine/guest.ts";

const PAGE = 4096;
const FREE_MAX = 1 << 20;

export interface SlabCache {
  place: Place;
  /** As the type is called, without the word struct. */
  name: string;
  /** Of a slot. */
  bytes: number;
  /** Where in a free object the address of the next one stands. */
  link: bigint;
  type?: Type;
  /** Physical addresses of its pages. */
  pages: number[];
}

export interface SlabObject {
  phys: number;
  lin: bigint;
  cache: SlabCache;
  /** Of the list that it is free on: the CPU, or -1 for the depot; undefined while it is in use. */
  freeOn?: number;
}

export class Slabs {
  readonly caches: SlabCache[] = [];
  private readonly guest: Guest;
  private readonly byPage = new Map<number, SlabCache>();
  /** A kernel address minus this is the physical address. */
  private readonly base: bigint;

  /** `base` is undefined for a kernel without such tables. */
  constructor(guest: Guest, base: bigint | undefined) {
    this.guest = guest;
    this.base = base ?? 0n;
    const table = guest.variable("slab_caches");
    const pages = guest.variable("slab_pages");
    if (base === undefined || !table || !pages) return;
    const byId = guest.elements(table).map((slot) => this.cacheAt(guest.target(slot)));
    const ids = guest.read(pages.lin, pages.type.bytes) ?? new Uint8Array(0);
    ids.forEach((id, page) => {
      const cache = id ? byId[id] : undefined;
      if (!cache) return;
      cache.pages.push(page * PAGE);
      this.byPage.set(page, cache);
    });
    this.caches.push(...byId.flatMap((cache) => cache ?? []));
  }

  private cacheAt(place: Place | undefined): SlabCache | undefined {
    if (!place) return undefined;
    const text = this.guest.value(place, "name");
    const bytes = Number(this.guest.value(place, "size") ?? 0n);
    if (!text || bytes < 8 || bytes > PAGE) return undefined;
    const name = this.guest.text(text, 64);
    return {
      place, name: name.replace(/^struct /, ""), bytes, type: this.guest.types.find(name),
      link: this.guest.value(place, "link") ?? 0n, pages: [],
    };
  }

  /** The object that this physical address is in. */
  at(phys: number): Omit<SlabObject, "freeOn"> | undefined {
    const cache = this.byPage.get(phys >>> 12);
    if (!cache) return undefined;
    const index = Math.floor((phys % PAGE) / cache.bytes);
    if ((index + 1) * cache.bytes > PAGE) return undefined;
    const first = phys - (phys % PAGE) + index * cache.bytes;
    return { phys: first, lin: this.base + BigInt(first), cache };
  }

  /** All objects of a cache, by address. */
  objects(cache: SlabCache): SlabObject[] {
    const free = this.freeOf(cache);
    const count = Math.floor(PAGE / cache.bytes);
    return cache.pages.flatMap((page) => Array.from({ length: count }, (_, i) => {
      const phys = page + i * cache.bytes;
      const lin = this.base + BigInt(phys);
      return { phys, lin, cache, freeOn: free.get(lin) };
    }));
  }

  /** Free objects by address, with the CPU on whose list they are. */
  private freeOf({ place, link }: SlabCache): Map<bigint, number> {
    const free = new Map<bigint, number>();
    const lists = this.guest.field(place, "list");
    const depot = this.guest.field(place, "depot");
    const walk = (list: Place, cpu: number) => {
      let at = this.guest.value(list, "free") ?? 0n;
      while (at && free.size < FREE_MAX && !free.has(at)) {
        free.set(at, cpu);
        at = this.guest.number(at + link) ?? 0n;
      }
    };
    if (lists) this.guest.elements(lists).forEach(walk);
    if (depot) walk(depot, -1);
    return free;
  }
}
