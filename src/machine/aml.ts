// The few terms of the ACPI machine language that the DSDT needs (ACPI 6.4, 20.2 "AML Grammar
// Definition"; 6.4 "Resource Data Types for ACPI").

const NAME_OP = 0x08;
const STRING_PREFIX = 0x0d;
const BYTE_PREFIX = 0x0a;
const SCOPE_OP = 0x10;
const BUFFER_OP = 0x11;
const PACKAGE_OP = 0x12;
const DEVICE_OP = [0x5b, 0x82];

export function name(segment: string, object: number[]): number[] {
  return [NAME_OP, ...letters(segment), ...object];
}

export function byte(value: number): number[] {
  return [BYTE_PREFIX, value];
}

export function text(value: string): number[] {
  return [STRING_PREFIX, ...letters(value), 0];
}

export function packageOf(...objects: number[][]): number[] {
  return [PACKAGE_OP, ...sized([objects.length, ...objects.flat()])];
}

export function scope(path: string, terms: number[]): number[] {
  return [SCOPE_OP, ...sized([...letters(path), ...terms])];
}

export function device(segment: string, terms: number[]): number[] {
  return [...DEVICE_OP, ...sized([...letters(segment), ...terms])];
}

/** A resource template: the descriptors and their end tag, as a buffer. */
export function resources(...descriptors: number[][]): number[] {
  const bytes = [...descriptors.flat(), 0x79, 0];
  return [BUFFER_OP, ...sized([BYTE_PREFIX, bytes.length, ...bytes])];
}

/** 6.4.3.4 "32-Bit Fixed Memory Range Descriptor", writable. */
export function memory32(base: number, bytes: number): number[] {
  return [0x86, 9, 0, 1, ...word32(base), ...word32(bytes)];
}

/** 6.4.3.6 "Extended Interrupt Descriptor": consumer, level-triggered, active high, exclusive. */
export function interrupt(gsi: number): number[] {
  return [0x89, 6, 0, 0x01, 1, ...word32(gsi)];
}

/** 20.2.4 "Package Length Encoding": the length counts its own bytes. */
function sized(bytes: number[]): number[] {
  if (bytes.length + 1 < 64) return [bytes.length + 1, ...bytes];
  for (let extra = 1; extra <= 3; extra++) {
    const total = bytes.length + 1 + extra;
    if (total >= 1 << (4 + 8 * extra)) continue;
    const length = [(extra << 6) | (total & 15)];
    for (let i = 0; i < extra; i++) length.push((total >> (4 + 8 * i)) & 0xff);
    return [...length, ...bytes];
  }
  throw new Error("AML: a package is too long");
}

function word32(value: number): number[] {
  return [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
}

function letters(value: string): number[] {
  return [...value].map((letter) => letter.charCodeAt(0));
}
