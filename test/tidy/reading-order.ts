// What a folder's README names in its reading order.

/** The names in backquotes that are paths and end so; "*" stands for any part of a name. */
export function namedIn(readme: string, ends: string): string[] {
  const order = /^(?:## )?Reading order:?$([\s\S]*?)^(?:## |Imports: )/m.exec(readme)![1];
  return [...order.matchAll(new RegExp(`\`([\\w*+./-]+\\.(?:${ends}))\``, "g"))]
    .map(([, name]) => name);
}

export function matches(name: string, file: string): boolean {
  const pattern = name.replaceAll(/[.+]/g, "\\$&").replaceAll("*", "[\\w-]*");
  return new RegExp(`^${pattern}$`).test(file);
}

/** A .c file stands for its header. */
const stands = (name: string, file: string) =>
  matches(name, file) || (name.endsWith(".c") && matches(name.replace(/c$/, "h"), file));

/** The files that none of the names stands for. */
export const unnamed = (names: readonly string[], files: readonly string[]): string[] =>
  files.filter((file) => !names.some((name) => stands(name, file)));
