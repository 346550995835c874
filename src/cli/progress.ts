// Progress on stderr: one line that is rewritten on a terminal, otherwise a plain line every ten
// seconds. Nothing is coloured anywhere; with NO_COLOR set, or on a dumb terminal, no control
// sequence is written either.
const TERMINAL_MS = 200;
const PLAIN_MS = 10_000;

export const PROGRESS_KINDS = ["auto", "plain", "none"] as const;
export type ProgressKind = (typeof PROGRESS_KINDS)[number];
let kind: ProgressKind = "auto";

/** As --progress says, for all that is created from now on. */
export function setProgress(chosen: ProgressKind): void {
  kind = chosen;
}

function rewrites(): boolean {
  const { NO_COLOR, TERM } = process.env;
  return kind === "auto" && process.stderr.isTTY === true && !NO_COLOR && TERM !== "dumb";
}

export class Progress {
  private readonly terminal = rewrites();
  private readonly quiet = kind === "none";
  private next = performance.now() + (this.terminal ? TERMINAL_MS : PLAIN_MS);
  private shown = false;

  /** `text` is only made when it is shown. */
  update(text: () => string): void {
    const now = performance.now();
    if (this.quiet || now < this.next) return;
    this.next = now + (this.terminal ? TERMINAL_MS : PLAIN_MS);
    if (!this.terminal) {
      process.stderr.write(`${text()}\n`);
      return;
    }
    const width = Math.max(20, (process.stderr.columns ?? 80) - 1);
    process.stderr.write(`\r\x1b[K${text().slice(0, width)}`);
    this.shown = true;
  }

  /** Takes the line away, before anything else is printed. */
  clear(): void {
    if (this.shown) process.stderr.write("\r\x1b[K");
    this.shown = false;
  }
}

/** 1234567 as "1.2 M". */
export function short(value: bigint | number): string {
  const number = Number(value);
  for (const [scale, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]] as const) {
    if (number >= scale) return `${(number / scale).toFixed(1)} ${unit}`;
  }
  return `${number}`;
}
