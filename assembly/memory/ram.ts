// Guest RAM. Data lives here and nowhere else: caches hold states only, because the protocol lets
// one cluster at a time write a line and orders every hand-over by a window boundary, which the
// workers' barrier orders on the host.
import { ramBase } from "./params";

/** Host address of a physical address. */
// @ts-ignore: decorator
@inline
export function hostOf(phys: u64): usize {
  return ramBase + <usize>phys;
}

/** `size` bytes at a host address, zero-extended. Size 1, 2, 4, 8, or any other up to 8. */
export function loadSized(host: usize, size: u32): u64 {
  if (size == 8) return load<u64>(host);
  if (size == 4) return load<u32>(host);
  if (size == 1) return load<u8>(host);
  if (size == 2) return load<u16>(host);
  let value: u64 = 0;
  for (let i: u32 = 0; i < size; i++) value |= <u64>load<u8>(host + i) << (i << 3);
  return value;
}

/** Stores the low `size` bytes of `value`. */
export function storeSized(host: usize, size: u32, value: u64): void {
  if (size == 8) store<u64>(host, value);
  else if (size == 4) store<u32>(host, <u32>value);
  else if (size == 1) store<u8>(host, <u8>value);
  else if (size == 2) store<u16>(host, <u16>value);
  else for (let i: u32 = 0; i < size; i++) store<u8>(host + i, <u8>(value >> (i << 3)));
}
