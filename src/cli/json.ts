// One JSON document; 64-bit values as hex strings.
export function jsonText(document: Record<string, unknown>): string {
  const text = JSON.stringify(
    document,
    (_, value) => (typeof value === "bigint" ? `0x${value.toString(16)}` : value),
    2,
  );
  return `${text}\n`;
}

export function printJson(document: Record<string, unknown>): void {
  process.stdout.write(jsonText(document));
}
