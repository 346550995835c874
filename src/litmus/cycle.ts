// Critical cycles in diy7's vocabulary: edges such as PodWR, MFencedWR, Rfe, Fri, CoeAA; the names
// of the tests that they make. A cycle is a violation of sequential consistency if it is possible.
export type Direction = "R" | "W";

export interface Edge {
  name: string;
  /** po in program order; the others communicate: reads-from, from-read, coherence. */
  kind: "po" | "rf" | "fr" | "co";
  /** To another thread. */
  external: boolean;
  /** To another location. */
  different: boolean;
  from: Direction;
  to: Direction;
  /** mfence, sfence or lfence between the two accesses. */
  fence?: string;
  /** The access at this end is an XCHG. */
  fromAtomic: boolean;
  toAtomic: boolean;
}

/** Bad cycle: one sentence. */
export class CycleError extends Error {}

const EDGES_MAX = 32;
const PO = /^(Po|[MSL]Fence)(d|s)([RW])([RW])((?:A|Na){2})?$/;
const COMMUNICATION = /^(Rf|Fr|Co|Ws)(i|e)((?:A|Na){2})?$/;
const ENDS: Record<string, [Edge["kind"], Direction, Direction]> = {
  Rf: ["rf", "W", "R"], Fr: ["fr", "R", "W"], Co: ["co", "W", "W"], Ws: ["co", "W", "W"],
};

function parseEdge(name: string): Edge {
  const po = PO.exec(name);
  const communication = COMMUNICATION.exec(name);
  const atoms = (po?.[5] ?? communication?.[3] ?? "NaNa").match(/A|Na/g)!;
  const atomic = { fromAtomic: atoms[0] === "A", toAtomic: atoms[1] === "A" };
  if (po) {
    const [, order, location, from, to] = po;
    const fence = order === "Po" ? undefined : order.toLowerCase();
    const ends = { from: from as Direction, to: to as Direction };
    const different = location === "d";
    return { name, kind: "po", external: false, different, ...ends, fence, ...atomic };
  }
  if (!communication) {
    throw new CycleError(
      `unknown edge ${name}: known are PodWR, PosRR, MFencedWR, SFencedWW, LFencedRR, Rfe, Rfi, ` +
        "Fre, Fri, Coe, Coi and the like, with AA, ANa or NaA for exchanges");
  }
  const [kind, from, to] = ENDS[communication[1]];
  const external = communication[2] === "e";
  return { name, kind, external, different: false, from, to, ...atomic };
}

/** Edges separated by blanks, checked to make a cycle, turned so that diy7's name comes out. */
export function parseCycle(text: string): Edge[] {
  const edges = text.trim().split(/\s+/).filter(Boolean).map(parseEdge);
  if (edges.length < 2 || edges.length > EDGES_MAX) {
    throw new CycleError(`a cycle has 2 to ${EDGES_MAX} edges, not ${edges.length}`);
  }
  edges.forEach((edge, i) => {
    const next = edges[(i + 1) % edges.length];
    if (edge.to !== next.from || edge.toAtomic !== next.fromAtomic) {
      const access = (d: Direction, atomic: boolean) =>
        atomic ? "an exchange" : d === "R" ? "a read" : "a write";
      const end = access(edge.to, edge.toAtomic);
      const begin = access(next.from, next.fromAtomic);
      throw new CycleError(`${edge.name} ends in ${end}, ${next.name} begins with ${begin}`);
    }
    if (edge.toAtomic && edge.to === "R") {
      throw new CycleError(`${edge.name}: the exchanged access must be a write`);
    }
  });
  const count = (test: (edge: Edge) => boolean) => edges.filter(test).length;
  if (count(({ external }) => external) === 1) {
    throw new CycleError("one edge to another thread cannot lead back: two are needed, or none");
  }
  if (count(({ different }) => different) === 1) {
    throw new CycleError("one edge to another location cannot lead back: two are needed, or none");
  }
  if (count(({ kind }) => kind === "po") === 0) {
    throw new CycleError("the cycle needs an edge in program order, such as PodWR");
  }
  return normalise(edges);
}

/** The edges that leave each access of a thread; the last one of each is external. */
export function threadsOf(edges: Edge[]): Edge[][] {
  const threads: Edge[][] = [[]];
  for (const edge of edges) {
    threads.at(-1)!.push(edge);
    if (edge.external) threads.push([]);
  }
  if (threads.at(-1)!.length === 0) threads.pop();
  return threads;
}

/** First and last access: WR, or W alone. */
function pointsOf(thread: Edge[]): string {
  const last = thread.at(-1)!.from;
  return thread.length === 1 ? last : thread[0].from + last;
}

const POINTS = ["W", "R", "WW", "RR", "RW", "WR"];

/** Turns the cycle to the first thread in the order of POINTS; a tie leaves the given order. */
function normalise(edges: Edge[]): Edge[] {
  const lastExternal = edges.findLastIndex(({ external }) => external);
  if (lastExternal < 0) return edges;
  const turned = [...edges.slice(lastExternal + 1), ...edges.slice(0, lastExternal + 1)];
  const threads = threadsOf(turned);
  const ranks = threads.map((thread) => String.fromCharCode(97 + POINTS.indexOf(pointsOf(thread))));
  const rotations = ranks.map((_, i) => [...ranks.slice(i), ...ranks.slice(0, i)].join(""));
  const best = rotations.indexOf([...rotations].sort()[0]);
  return [...threads.slice(best), ...threads.slice(0, best)].flat();
}

/** The families' names in the literature and in diy7. */
const FAMILIES: Record<string, string> = {
  "WW+RR": "MP", "WR+WR": "SB", "RW+RW": "LB", "WW+WR": "R", "WW+RW": "S", "WW+WW": "2+2W",
  "WR+WR+WR": "3.SB", "WR+WR+WR+WR": "4.SB", "RW+RW+RW": "3.LB", "RW+RW+RW+RW": "4.LB",
  "WW+WW+WW": "3.2W", "WW+WW+WW+WW": "4.2W", "W+RW+RR": "WRC", "W+RR+WR": "RWC",
  "W+RW+WR": "WRW+WR", "W+RR+WW": "WRR+2W", "W+RW+RW": "WWC", "W+RW+WW": "WRW+2W",
  "WW+RR+WR": "W+RWC", "WW+RW+RR": "ISA2", "W+RR+W+RR": "IRIW", "W+RR+W+RW": "IRRWIW",
  "W+RW+W+RW": "IRWIW", "WW+RW+WR": "Z6.0", "WW+WW+RW": "Z6.1", "WW+RW+RW": "Z6.2",
  "WW+WW+RR": "Z6.3", "WW+WR+WR": "Z6.4", "WW+WW+WR": "Z6.5",
};
const COHERENCE_FAMILIES: Record<string, string> = {
  WW: "CoWW", RW: "CoRW1", "W+RW": "CoRW2", "W+WR": "CoWR", "W+RR": "CoRR", WR: "CoWR0",
};

/** diy7's name: the family, then what is in each thread unless it is plain program order. */
export function nameOf(edges: Edge[]): string {
  const threads = threadsOf(edges);
  const key = threads.map(pointsOf).join("+");
  const same = edges.every(({ different }) => !different);
  const family = (same ? COHERENCE_FAMILIES[key] : undefined) ?? FAMILIES[key] ?? key;
  const parts = threads
    .map((thread) => partOf(thread.filter(({ external }) => !external)))
    .filter((part) => part !== "");
  const alone = isolatedWrites(edges);
  const equal = parts.every((part) => part === parts[0]);
  if (equal && (parts[0] === "po" || (parts[0] === "pos" && parts.length === 1))) parts.length = 0;
  else if (equal && parts.length > 1) parts.splice(0, parts.length, `${parts[0]}s`);
  return [family, ...parts, ...(alone ? [alone] : [])].join("+");
}

/** po-rfi-po, with the direction between two edges of program order: poW-po. */
function partOf(inner: Edge[]): string {
  return inner.map((edge, i) => {
    const ambiguous = edge.kind === "po" && inner[i + 1]?.kind === "po";
    const atoms = edge.fromAtomic || edge.toAtomic
      ? (edge.fromAtomic ? "a" : "na") + (edge.toAtomic ? "a" : "na") : "";
    return shortName(edge) + (ambiguous ? edge.to : "") + atoms;
  }).join("-");
}

function shortName({ kind, fence, different }: Edge): string {
  if (kind !== "po") return `${kind}i`;
  return `${fence ?? "po"}${different ? "" : "s"}`;
}

/** Threads of one access say themselves whether it is an exchange: +A, if any of them is. */
function isolatedWrites(edges: Edge[]): string {
  const names: string[] = [];
  edges.forEach((edge, i) => {
    const before = edges.at(i - 1)!;
    if (edge.external && before.external) names.push(edge.fromAtomic ? "A" : "Na");
  });
  return names.includes("A") ? names.join("") : "";
}
