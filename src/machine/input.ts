// Checking of what a user wrote: every error names the field and says what to change.

/** A preset or an image that the user named is not usable; the message says what to change. */
export class InputError extends Error {
  override name = "InputError";
}

/** A read from source or data, B published, C derived, D a guess. */
export type Confidence = "A" | "B" | "C" | "D";

export function asObject(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InputError(`${field}: must be an object`);
  }
  return value as Record<string, unknown>;
}

export function asString(value: unknown, field: string): string {
  if (typeof value !== "string") throw new InputError(`${field}: must be a string`);
  return value;
}

export function asIndex(value: unknown, field: string, limit: number): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= limit) {
    throw new InputError(`${field}: must be a whole number from 0 to ${limit - 1}`);
  }
  return value as number;
}

/** A list of `min` to `max` items. */
export function asList(value: unknown, field: string, min: number, max: number): unknown[] {
  if (!Array.isArray(value) || value.length < min || value.length > max) {
    throw new InputError(`${field}: must be a list of ${min} to ${max} items`);
  }
  return value;
}

export function onlyFields(value: Record<string, unknown>, field: string, known: string[]): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) throw new InputError(`${field}.${key}: unknown field`);
  }
}

export function asConfidence(value: unknown, field: string): Confidence {
  if (!["A", "B", "C", "D"].includes(value as string)) {
    throw new InputError(`${field}: must be A, B, C or D`);
  }
  return value as Confidence;
}

export function asSource(value: unknown, field: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new InputError(`${field}: say where the value comes from`);
}
