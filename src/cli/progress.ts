// Progress on stderr: one line that is rewritten on a terminal, otherwise a plain line every ten
// seconds.
const TERMINAL_MS = 200;
const PLAIN_MS = 10_000;

export class Progress {
  private readonly terminal = process.stderr.isTTY === true;
  private next = performance.now() + (this.terminal ? TERMINAL_MS : PLAIN_MS);
  private shown = false;

  /** `text` is only made when it is shown. */
  update(text: () => string): void {
    const now = performance.now();
    if (now < this.next) return;
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
