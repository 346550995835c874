// Invariants that hold in every build: a broken one traps, because a wrong answer is worse than
// none.

/**
 * Traps unless `condition` holds. The message is for the reader; the trap's stack names the place.
 */
// @ts-ignore: decorator
@inline
export function check(condition: bool): void {
  if (!condition) unreachable();
}
