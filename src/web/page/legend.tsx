// What the marks of a timeline mean.
import { pathOf, SIGN, type Sign } from "../../report/legend.ts";

/** `colour` of each sign: a custom property of the page. */
export function Legend({ signs }: { signs: readonly Sign[] }) {
  return (
    <ul class="legend">
      {signs.map((sign) => (
        <li key={sign.text}>
          <svg width={SIGN.width} height={SIGN.height} aria-hidden="true">
            <path d={pathOf(sign)} style={{ fill: `var(--${sign.colour})` }} />
          </svg> {sign.text}
        </li>
      ))}
    </ul>
  );
}
