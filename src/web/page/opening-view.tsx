// How far the run is that is made to be looked at, and the button that ends it.
import { millions } from "./going.ts";
import { cancelOpening, progress } from "./look.ts";

export function OpeningView() {
  const { what, cycles, of } = progress.value;
  return (
    <div class="opening" data-opening>
      <progress max={of ?? 1} value={of === undefined ? undefined : Math.min(cycles, of)}
        aria-label="share of the run's cycles" />
      <p>
        {what && `${what}: `}<span data-cycles>{millions(cycles)}</span>
        {of !== undefined && ` of ${millions(of)}`} million cycles
      </p>
      <button type="button" onClick={cancelOpening}>Cancel</button>
    </div>
  );
}
