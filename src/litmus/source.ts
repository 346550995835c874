// The text of a test with comments blanked out, positions kept: every error names line and column.
import { LitmusError, type Position } from "./test.ts";

const LINE_FEED = 10;

export class Source {
  /** The text in which each comment is as many blanks; line ends stay. */
  readonly text: string;
  readonly #lineStarts: number[] = [0];

  constructor(readonly file: string, text: string) {
    for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) {
      this.#lineStarts.push(i + 1);
    }
    this.text = this.#withoutComments(text);
  }

  /** The text of a file, or the error that it is none. */
  static decode(file: string, bytes: Uint8Array): Source {
    const binary = bytes.findIndex((byte) => byte < 32 && ![9, 10, 12, 13].includes(byte));
    if (binary >= 0) {
      const before = bytes.subarray(0, binary);
      const line = before.reduce((n, byte) => n + (byte === LINE_FEED ? 1 : 0), 1);
      const column = binary - before.lastIndexOf(LINE_FEED);
      const hex = bytes[binary].toString(16).padStart(2, "0");
      throw new LitmusError(file, { line, column }, `byte ${hex}: this is not a text file`);
    }
    return new Source(file, new TextDecoder().decode(bytes));
  }

  at(offset: number): Position {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#lineStarts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - this.#lineStarts[low] + 1 };
  }

  error(offset: number, problem: string): LitmusError {
    return new LitmusError(this.file, this.at(offset), problem);
  }

  /** herdtools7's comments, which nest. */
  #withoutComments(text: string): string {
    if (!/\(\*|\*\)/.test(text)) return text;
    const pieces: string[] = [];
    const open: number[] = [];
    let from = 0;
    for (const { 0: mark, index } of text.matchAll(/\(\*|\*\)/g)) {
      if (mark === "(*") {
        if (open.length === 0) pieces.push(text.slice(from, index));
        open.push(index);
        continue;
      }
      const start = open.pop();
      if (start === undefined) throw this.error(index, "this ends a comment that none has begun");
      if (open.length > 0) continue;
      from = index + mark.length;
      pieces.push(text.slice(start, from).replace(/[^\r\n]/g, " "));
    }
    if (open.length > 0) throw this.error(open[0], "this comment is not ended: add *)");
    return pieces.join("") + text.slice(from);
  }
}
