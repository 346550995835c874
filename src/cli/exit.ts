// Exit codes: a contract with scripts.
export const EXIT = {
  held: 0,
  /** A violation, hang or race was found; a guest exit code other than 0; an internal error. */
  failed: 1,
  usage: 2,
  /** Guest panic or triple fault. */
  panic: 3,
  /** A replay was not identical to the recorded run. */
  diverged: 4,
  budget: 124,
  interrupted: 130,
} as const;
