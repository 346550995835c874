// The vocabulary of the memory system: line states, requests, messages between components.

/** MESI, as in L1 and in the shared cache of a cluster. */
export const INVALID: u8 = 0;
export const SHARED: u8 = 1;
export const EXCLUSIVE: u8 = 2;
export const MODIFIED: u8 = 3;

/** What a core asks of its cluster and a cluster of the home agent. */
export const GETS: u8 = 1; // read a line (BusRd)
export const GETI: u8 = 2; // read a code line into the L1I: GETS outside the core
export const GETX: u8 = 3; // own a line (BusRdX, or BusUpgr when the requester has it Shared)

/** Messages between components. Everything that crosses a component boundary is one of these. */
export const MSG_GETS: u32 = 1;
/** Value: cycles for which the winner may hold the line before a snoop is served. */
export const MSG_GETX: u32 = 2;
export const MSG_PUT: u32 = 3; // the cluster's shared cache evicted the line
export const MSG_IPI: u32 = 4; // value: vector; destination: CPU
export const MSG_IO: u32 = 5; // value, port and size of an I/O access; destination: the I/O hub
export const MSG_IO_REPLY: u32 = 6; // value; destination: CPU
export const MSG_EOI: u32 = 7; // a level-triggered interrupt ended; value: vector

// Aux of MSG_IO: the size in bytes, and
export const ACCESS_SIZE: u32 = 0xff;
export const ACCESS_WRITE: u32 = 0x100;
/** The line is an address in a device window, not a port. */
export const ACCESS_MEMORY: u32 = 0x200;

/** No event is due. */
export const NEVER: u64 = u64.MAX_VALUE;
