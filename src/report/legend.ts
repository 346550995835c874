// What the marks of a timeline mean, beside it: a sign with its words. The page draws the same
// signs on its own elements.

export interface Sign {
  shape: "bar" | "dot" | "line";
  /** CSS class that gives its colour, or a custom property with one. */
  colour: string;
  text: string;
}

/** Pixels of a sign. */
export const SIGN = { width: 20, height: 12 };
const PATHS: Record<Sign["shape"], string> = {
  bar: "M1,3h18v6h-18z", dot: "M6,6a4,4 0 1 0 8,0a4,4 0 1 0 -8,0z", line: "M9,0h2v12h-2z",
};
/** For the attribute d of an SVG path. */
export const pathOf = ({ shape }: Sign) => PATHS[shape];

/** As HTML; words and classes are those of the source, never of a run. */
export function legendHtml(signs: readonly Sign[]): string {
  const { width, height } = SIGN;
  const items = signs.map((sign) => `<li><svg width="${width}" height="${height}" aria-hidden=` +
    `"true"><path class="${sign.colour}" d="${pathOf(sign)}"/></svg> ${sign.text}</li>`);
  return `<ul class="legend">${items.join("")}</ul>`;
}
