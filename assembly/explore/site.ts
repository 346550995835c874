// What a thread may still do, by the place in its code where it waits: the shared words that it may
// read and write from there on. The reduction needs that, and nobody knows it beforehand: it is
// learnt from the steps that were taken, and a search that has learnt something new is begun again.
// A place is an address only, whatever the registers: a new state of a known place has a known
// future.
import { allocate } from "../memory/arena";
import { Table, intern, openTable } from "../memory/intern";

/**
 *     0 | hash | 4 | thread | 8 | rip u64 | 16 | reads u64 | 24 | writes u64 | 32 | links | 36 |
 *     next: all sites | 40
 */
@unmanaged
export class Site {
  hash: u32;
  thread: u32;
  rip: u64;
  /** Masks of shared words: of this place's access, of the steps from here, and of what follows. */
  reads: u64;
  writes: u64;
  links: Link | null;
  next: Site | null;
  static readonly BYTES: usize = 40;
}

/** A step led from one site to another. */
@unmanaged
class Link {
  to: Site;
  next: Link | null;
  static readonly BYTES: usize = 8;
}

let table: Table = changetype<Table>(0);
let sites: Site | null = null;
/** Masks have grown since the search began: its reductions may have been too bold. */
export let grown: bool = false;

export function openSites(): void {
  table = openTable();
  sites = null;
  grown = false;
}

export function forgetGrowth(): void {
  grown = false;
}

export function siteOf(thread: u32, rip: u64): Site {
  const site = changetype<Site>(allocate(Site.BYTES));
  site.thread = thread;
  site.rip = rip;
  site.reads = site.writes = 0;
  site.links = null;
  const found = changetype<Site>(intern(table, changetype<usize>(site), 4, 3));
  if (found == site) {
    site.next = sites;
    sites = site;
  }
  return found;
}

/** At `site` the thread may access these words, itself or by the stores of the step from there. */
export function addFuture(site: Site, reads: u64, writes: u64): void {
  if (!(reads & ~site.reads) && !(writes & ~site.writes)) return;
  site.reads |= reads;
  site.writes |= writes;
  grown = true;
  spread();
}

/** A step leads from one site to another. */
export function addLink(from: Site, to: Site): void {
  let l = from.links;
  while (l != null) {
    if (l.to == to) return;
    l = l.next;
  }
  const link = changetype<Link>(allocate(Link.BYTES));
  link.to = to;
  link.next = from.links;
  from.links = link;
  if ((to.reads & ~from.reads) || (to.writes & ~from.writes)) {
    grown = true;
    spread();
  }
}

/** What a site may do, those that lead to it may do. */
function spread(): void {
  for (let changed = true; changed;) {
    changed = false;
    let s = sites;
    while (s != null) {
      let l = s.links;
      while (l != null) {
        const to = l.to;
        if ((to.reads & ~s.reads) || (to.writes & ~s.writes)) changed = true;
        s.reads |= to.reads;
        s.writes |= to.writes;
        l = l.next;
      }
      s = s.next;
    }
  }
}
