// What a misspelt name was meant to be.

/** Of those that are near enough; characters to change, insert, remove or exchange. */
const DISTANCE_MAX = 2;

/** "; did you mean conroe?", or nothing where no name is near. */
export function suggestion(name: string, known: readonly string[]): string {
  const limit = Math.min(DISTANCE_MAX, name.length / 2);
  const [found] = known
    .map((one) => ({ one, distance: distanceOf(name.toLowerCase(), one.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return found ? `; did you mean ${found.one}?` : "";
}

/** Two neighbours that are exchanged count once (optimal string alignment). */
function distanceOf(a: string, b: string): number {
  let [beforeLast, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let k = 1; k <= b.length; k++) {
      const same = a[i - 1] === b[k - 1];
      row[k] = Math.min(last[k] + 1, row[k - 1] + 1, last[k - 1] + (same ? 0 : 1));
      const exchanged = i > 1 && k > 1 && a[i - 1] === b[k - 2] && a[i - 2] === b[k - 1];
      if (exchanged) row[k] = Math.min(row[k], beforeLast[k - 2] + 1);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length];
}
