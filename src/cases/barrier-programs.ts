// The cases as questions of barriers: pairs of functions of workloads/explore with a site wherever
// somebody might put a fence. `smpbox barriers 003` asks them all.

export interface BarrierProgram {
  id: string;
  what: string;
  entries: string;
  predicate?: string;
  sites: string[];
}

/** The image with the functions. */
export const BARRIER_IMAGE = "explore";

const PROGRAMS: Readonly<Record<string, readonly BarrierProgram[]>> = {
  "000": [{
    id: "000.X1", what: "a request is freed before its result is read",
    entries: "c000_reap,c000_submit", predicate: "c000_result == 1024", sites: ["000.*"],
  }],
  "001": [{
    id: "001", what: "aio_complete() and read_events() of Linux 2.6.24",
    entries: "c001_complete,c001_wait", sites: ["001.*"],
  }],
  "002": [{
    id: "002.X4", what: "submitter and completion add to one result",
    entries: "c002_add(1),c002_add(2)", predicate: "c002_result == 3", sites: ["002.*"],
  }],
  "003": [
    {
      id: "003.X1", what: "a completion looks for a waiter, then drops its reference",
      entries: "c003_end,c003_await", sites: ["003.X1", "003.waiter"],
    },
    {
      id: "003.X5", what: "the reference first, the waiter published before its look: is it woken?",
      entries: "c003_end_after,c003_await_first", sites: ["003.X6", "003.X7"],
    },
    {
      id: "003.X7", what: "the same: and is nothing read that was freed?",
      entries: "c003_end_after,c003_await_first", predicate: "c003_late == 0",
      sites: ["003.X6", "003.X7"],
    },
  ],
  "004": [{
    id: "004.X5", what: "a wake-up of a request that the run path frees",
    entries: "c004_wake,c004_run", predicate: "c004_uses == 0", sites: ["004.*"],
  }],
  M: [
    {
      id: "wM1", what: "waitqueue_active() in front of wake_up()",
      entries: "m1_wake,m1_wait", sites: ["wM1.*"],
    },
    {
      id: "wM2", what: "fs/aio of 2024: off the queue before its task is read",
      entries: "m2_wake,m2_return", predicate: "m2_late == 0", sites: ["wM2.*"],
    },
    {
      id: "wM3", what: "io_uring's completion queue: its tail is stored with release order",
      entries: "m3_complete,m3_wait", sites: ["wM3.*"],
    },
    {
      id: "wM4", what: "io_uring's SQPOLL: an application, a kernel thread that polls",
      entries: "m4_submit,m4_poll", predicate: "m4_done == 1", sites: ["wM4.*"],
    },
    {
      id: "wM5", what: "virtio with event index: a driver, a device",
      entries: "m5_driver,m5_device", sites: ["wM5.*"],
    },
    {
      id: "wM6", what: "eventfd: counter and waiters under one lock",
      entries: "m6_write,m6_read", sites: ["wM6.*"],
    },
    {
      id: "wM7", what: "an adaptive mutex: its owner leaves, another thread blocks",
      entries: "m7_release,m7_acquire", sites: ["wM7.*"],
    },
    {
      id: "wM7-3", what: "the same with three threads: two of them want it",
      entries: "m7_release,m7_acquire,m7_acquire", sites: ["wM7.*"],
    },
    {
      id: "wM8", what: "wake_up_bit(): a bit is cleared, and its hashed queue looked at",
      entries: "m8_unlock,m8_wait", sites: ["wM8.*"],
    },
    {
      id: "wM9", what: "a futex: the waiter counts itself, then compares the word",
      entries: "m9_wake,m9_wait", sites: ["wM9.*"],
    },
    {
      id: "wM9-late", what: "the same, but it counts itself after it has read the word",
      entries: "m9_wake,m9_wait_late", sites: ["wM9.*"],
    },
    {
      id: "wM10", what: "a parked kthread: __set_current_state(), then the condition",
      entries: "m10_wake,m10_wait", sites: ["wM10.*"],
    },
    {
      id: "wM11", what: "the block layer's restart bit: no tag, say so, try again",
      entries: "m11_end,m11_dispatch", sites: ["wM11.*"],
    },
  ],
};

/** Of a case, or one by its own name; undefined: neither. */
export function barrierPrograms(name: string): readonly BarrierProgram[] | undefined {
  if (Object.hasOwn(PROGRAMS, name)) return PROGRAMS[name];
  const one = Object.values(PROGRAMS).flat().filter(({ id }) => id === name);
  return one.length ? one : undefined;
}
