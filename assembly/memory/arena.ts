// Memory of the explore engine: two areas that only grow until they are rewound. What is learnt of
// a program (states of threads, store buffers, memory) lies in the first, the states of one search
// in the second, so that a search can be given up and begun again with what was learnt kept.
const PAGE_BITS: usize = 16;

let next: usize = 0;
let limit: usize = 0;
let stateNext: usize = 0;
let stateLimit: usize = 0;
/** The first allocation that did not fit; all later ones fail too. */
let full: bool = false;

/** [base, middle) for what is learnt, [middle, end) for states. Grows the memory as it is used. */
export function openArena(base: usize, middle: usize, end: usize): void {
  next = base;
  limit = middle;
  stateNext = middle;
  stateLimit = end;
  full = false;
}

/** Has an area no room left? What was allocated since is not to be used. */
export function arenaFull(): bool {
  return full;
}

export function arenaNext(): usize {
  return next;
}

/** Everything learnt since arenaNext() was `to` is forgotten. */
export function arenaRewind(to: usize): void {
  next = to;
  full = false;
}

export function statesNext(): usize {
  return stateNext;
}

export function statesRewind(to: usize): void {
  stateNext = to;
  full = false;
}

function commit(end: usize): bool {
  const have = <usize>memory.size() << PAGE_BITS;
  if (end <= have) return true;
  // At least 16 MiB at a time: growing a shared memory is a call into the host.
  const pages = max((end - have + 0xffff) >> PAGE_BITS, 256);
  return memory.grow(<i32>pages) >= 0;
}

/**
 * `bytes` for good. When there is no room the area's first bytes are given again: whoever asks
 * looks at arenaFull() before it trusts a result.
 */
export function allocate(bytes: usize): usize {
  const at = next;
  const end = (at + bytes + 7) & ~7;
  if (end > limit || !commit(end)) {
    full = true;
    return at + bytes <= limit ? at : limit - ((bytes + 7) & ~7);
  }
  next = end;
  return at;
}

/** Give the last allocation back. */
// @ts-ignore: decorator
@inline
export function release(at: usize): void {
  next = at;
}

/** `bytes` in the area of states; 0 when there is no room. */
export function allocateState(bytes: usize): usize {
  const at = stateNext;
  const end = (at + bytes + 7) & ~7;
  if (end > stateLimit || end < at || !commit(end)) {
    full = true;
    return 0;
  }
  stateNext = end;
  return at;
}
