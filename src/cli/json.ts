// One JSON document on stdout; 64-bit values as hex strings.
export function printJson(document: Record<string, unknown>): void {
  const text = JSON.stringify(
    document,
    (_, value) => (typeof value === "bigint" ? `0x${value.toString(16)}` : value),
    2,
  );
  process.stdout.write(`${text}\n`);
}
