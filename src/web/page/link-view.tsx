// What the page did not take from the link that led to it. It names fields of its own only: a
// link's text is not repeated.
import { signal } from "@preact/signals";
import { ignoredOf } from "./state.ts";

export const ignored = signal(ignoredOf(""));

export function LinkView() {
  const { keys, unknown } = ignored.value;
  if (keys.length === 0 && unknown === 0) return null;
  const are = unknown === 1 ? "is" : "are";
  const others = unknown ? [`${unknown} that ${are} not of this page`] : [];
  return (
    <p class="bad" role="status" data-ignored>
      Not taken from the link as it stands there: {[...keys, ...others].join(", ")}. What you see
      is the nearest that there is; check the link.
    </p>
  );
}
