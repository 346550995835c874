// What a trace (memory/trace.ts) records: the kinds of its records with what their fields say, and
// how it tells the change of a line.
export const TRACE_POINT: i32 = 1; // MARK_POINT passed
// While instructions are remembered (memory/history.ts), extra of the next two and of TRACE_LOCKED
// is the lower half of the instruction's address.
export const TRACE_LOAD: i32 = 2; // a load bound: phys, value
export const TRACE_ISSUE: i32 = 3; // a store entered the store buffer
export const TRACE_COMMIT: i32 = 4; // a store became visible; extra: cycles since its issue
/** A copy of the line was invalidated or downgraded; value: 1 = to Shared. */
export const TRACE_LOST: i32 = 5;
/** A core asked for a line; value: GETS, GETI or GETX; extra: 1 = to own one that it has in S */
export const TRACE_REQUEST: i32 = 6;
/** A core received a line; value: its MESI state; size: SERVED_*; extra: cycles since it asked */
export const TRACE_GRANT: i32 = 7;
export const TRACE_LOCKED: i32 = 8; // a locked access was performed: phys
/**
 * A transaction took its bus; size: SERVED_* | bus << 8; label: MSG_GETS or MSG_GETX; value: cycle
 * of the grant; extra: cycles that it waited for the bus. Of the I/O hub: cpu is HUB_SOURCE.
 */
export const TRACE_BUS: i32 = 9;
/**
 * A line changes its state in a cache; size: LEVEL_*; label: CAUSE_*; value: the state before |
 * after << 8. Of a shared cache: cpu is the first one of the cluster; of another the first thread.
 */
export const TRACE_LINE: i32 = 10;
/** An address phase; size: bus; extra: its cycles; label: 1 = of another bus' transaction */
export const TRACE_ADDRESS: i32 = 11;
/** A data phase; size: bus; extra: its cycles; label: MSG_GETS, MSG_GETX or MSG_PUT */
export const TRACE_DATA: i32 = 12;
/** A line is handed over between units of a cluster, to cpu; value: cycle of the grant */
export const TRACE_HANDOVER: i32 = 13;
/** What a core was granted is void, it asks again; value: GETS, GETI or GETX */
export const TRACE_AGAIN: i32 = 14;
/**
 * An access was counted (memory/counters.ts); size: SERVED_* and perhaps HITM; label: ACCESS_*;
 * value: its bytes; extra: as of a load, 0 for a store. Stores only while M_COUNTERS is set; with
 * all loads and all stores in M_TRACE, none is missing.
 */
export const TRACE_SERVED: i32 = 15;
/** In M_TRACE: not only accesses with a label, but all loads; all stores. */
export const TRACE_ALL_LOADS: i32 = 0x10000;
export const TRACE_ALL_STORES: i32 = 0x20000;

/** Accesses, in a TRACE_SERVED. */
export const ACCESS_LOAD: i32 = 0;
export const ACCESS_STORE: i32 = 1;
export const ACCESS_LOCKED: i32 = 2; // bytes: 0

/** Caches, in a TRACE_LINE. */
export const LEVEL_L1D: i32 = 0;
export const LEVEL_L1I: i32 = 1;
export const LEVEL_PRIVATE: i32 = 2; // the L2 of a core, where the shared cache is an L3
export const LEVEL_SHARED: i32 = 3;

/** Why a line changes its state. */
export const CAUSE_FILL: i32 = 1; // granted
export const CAUSE_STORE: i32 = 2; // a buffered store committed
export const CAUSE_LOCK: i32 = 3;
export const CAUSE_EVICTED: i32 = 4; // another line needs the place
export const CAUSE_WRITTEN_BACK: i32 = 5; // the same, and it was modified
export const CAUSE_INCLUSION: i32 = 6; // a cache behind it has evicted the line
export const CAUSE_SIBLING_READS: i32 = 7;
export const CAUSE_SIBLING_WRITES: i32 = 8;
export const CAUSE_CLUSTER_READS: i32 = 9; // another one, or the I/O hub
export const CAUSE_CLUSTER_WRITES: i32 = 10;
export const CAUSE_DIRTY: i32 = 11; // what a cache in front of it had modified comes back
export const CAUSE_SERVED: i32 = 12; // a request of a core was served
export const CAUSE_CODE: i32 = 13; // fetched by its core, or code that its core writes
