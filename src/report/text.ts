// Text for a terminal: at most 80 columns.
export const COLUMNS = 80;

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

/** What comes from outside (crash(8)'s layout, tables, names) may be a bit wider, and no more. */
export const COLUMNS_MAX = 100;

/** A line of more than `columns`, broken between words; its indentation goes on, deeper. */
export function fold(line: string, columns = COLUMNS_MAX): string[] {
  if (line.length <= columns) return [line];
  const [indent] = /^ */.exec(line)!;
  const [first, ...rest] = wrap(line.slice(indent.length), columns - indent.length - 2).split("\n");
  return [`${indent}${first}`, ...rest.map((part) => `${indent}  ${part}`)];
}

/** A command for a shell, which stays one over several lines. */
export function foldCommand(line: string): string {
  if (line.length <= COLUMNS_MAX) return line;
  const lines: string[] = [];
  for (const part of line.split(/ (?=--\w)/)) {
    const last = lines.at(-1);
    // " \" comes behind it.
    if (last === undefined || last.length + part.length + 3 > COLUMNS_MAX) lines.push(part);
    else lines[lines.length - 1] = `${last} ${part}`;
  }
  return lines.join(" \\\n  ");
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
