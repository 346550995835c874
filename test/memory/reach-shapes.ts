// The small machines whose states are all explored.
import type { Operation, Small } from "./reach.ts";

const ALL: Operation[] = ["load", "store", "lock", "fetch", "evict"];

/** A second or so of host time each: those that planted bugs are tried on, too. */
export const QUICK: Record<string, Small> = {
  "two clusters of one core": { clusters: [1, 1], operations: ALL, evictions: true },
  "... two buffered stores, retired late, lines held": {
    clusters: [1, 1], operations: ALL, evictions: true,
    parameters: { M_SB_ENTRIES: 2, M_RETIRE_DELAY: 1, M_HOLD: 1, M_COST_LOCK: 2 },
  },
  "... windows of three cycles": {
    clusters: [1, 1], operations: ALL, evictions: true,
    parameters: {
      M_WINDOW_CYCLES: 3, M_LAT_DIE_UPGRADE: 3, M_LAT_DIE_OWN: 4, M_LAT_DIE_LOAD: 6, M_LAT_DRAM: 9,
    },
  },
  "... windows as long as the shortest latency": {
    clusters: [1, 1], operations: ["load", "store", "fetch"], evictions: true,
    parameters: {
      M_WINDOW_CYCLES: 4, M_LAT_DIE_UPGRADE: 4, M_LAT_DIE_OWN: 4, M_LAT_DIE_LOAD: 6, M_LAT_DRAM: 9,
    },
  },
  "one cluster of two cores": { clusters: [2], operations: ALL, evictions: true },
  "... hand-overs that take longer than a quantum": {
    clusters: [2], operations: ALL, evictions: true,
    parameters: {
      M_WINDOW_CYCLES: 4, M_QUANTUM_CYCLES: 2, M_HOLD: 2, M_LAT_L2: 2,
      M_LAT_SIBLING_LOAD: 5, M_LAT_SIBLING_UPGRADE: 4, M_LAT_SIBLING_OWN: 6, M_LAT_DRAM: 9,
    },
  },
  "... quanta as long as the shortest latency": {
    clusters: [2], operations: ALL, evictions: true,
    parameters: {
      M_WINDOW_CYCLES: 4, M_QUANTUM_CYCLES: 4, M_LAT_L2: 2,
      M_LAT_SIBLING_LOAD: 5, M_LAT_SIBLING_UPGRADE: 4, M_LAT_SIBLING_OWN: 4, M_LAT_DRAM: 9,
    },
  },
  "one cluster of three cores": {
    clusters: [3], operations: ["load", "store"], evictions: true,
    parameters: {
      M_LAT_L2: 2, M_LAT_SIBLING_LOAD: 4, M_LAT_SIBLING_UPGRADE: 2, M_LAT_SIBLING_OWN: 3,
    },
  },
  "three clusters of one core": {
    clusters: [1, 1, 1], operations: ["load", "store", "lock"], evictions: true,
  },
  "clusters of two cores and of one": {
    clusters: [2, 1], operations: ["load", "store"], evictions: true,
  },
};

const PAIRS = (cluster: number) => cluster >> 1;

/** Ten seconds or so each. */
export const LARGER: Record<string, Small> = {
  "three clusters of one core, code too": {
    clusters: [1, 1, 1], operations: ["load", "store", "lock", "fetch"], evictions: true,
    atOnce: 2,
  },
  "four clusters of one core": {
    clusters: [1, 1, 1, 1], operations: ["load", "store"], evictions: true,
  },
  "four clusters in two packages, occupied buses": {
    clusters: [1, 1, 1, 1], packageOf: PAIRS, operations: ["load", "store"], atOnce: 2,
    parameters: { M_BUS_ADDRESS: 1, M_BUS_DATA: 1, M_SNOOP_STALL: 1 },
  },
  "two clusters of two cores": {
    clusters: [2, 2], operations: ["load", "store"], atOnce: 2,
  },
  "two clusters of one core, two lines": {
    clusters: [1, 1], lines: 2, operations: ["load", "store"], evictions: true,
  },
  "one cluster of two cores, two lines": {
    clusters: [2], lines: 2, operations: ["load", "store", "lock"],
  },
};

/** Minutes each: npm run fuzz. */
export const LARGEST: Record<string, Small> = {
  "four clusters of one core, locks too": {
    clusters: [1, 1, 1, 1], operations: ["load", "store", "lock"], evictions: true, atOnce: 2,
  },
  "four clusters of one core, code too": {
    clusters: [1, 1, 1, 1], operations: ["load", "store", "fetch"], evictions: true, atOnce: 2,
    states: 4_000_000,
  },
  "two clusters of two cores, locks and evictions too": {
    clusters: [2, 2], operations: ["load", "store", "lock"], evictions: true, atOnce: 2,
    states: 4_000_000,
  },
  "two clusters of two cores, code too": {
    clusters: [2, 2], operations: ["load", "store", "fetch"], atOnce: 2, states: 4_000_000,
  },
  "two clusters of one core, two lines, two buffered stores": {
    clusters: [1, 1], lines: 2, operations: ["load", "store"], evictions: true, states: 6_000_000,
    parameters: { M_SB_ENTRIES: 2 },
  },
};
