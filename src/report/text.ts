// Text for a terminal: at most 80 columns.
const COLUMNS = 80;

/** `head`, and `text` beside it. */
export function beside(head: string, text: string): string {
  const indent = `\n${" ".repeat(head.length)}`;
  return head + wrap(text, COLUMNS - head.length).replaceAll("\n", indent);
}

/** Breaks `text` between words. */
export function wrap(text: string, columns = COLUMNS): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = "";
    }
    line = line ? `${line} ${word}` : word;
  }
  return [...lines, line].join("\n");
}

/** A litmus log: what herd7's have stays as it is there, the lines from `Model` on are wrapped. */
export function narrowLog(lines: readonly string[]): string[] {
  const own = lines.findIndex((line) => line.startsWith("Model "));
  return lines.flatMap((line, i) => {
    if (i < own) return line;
    const [head] = /^(Model |Incomplete: |Stuck: )?/.exec(line)!;
    return beside(head, line.slice(head.length)).split("\n");
  });
}
