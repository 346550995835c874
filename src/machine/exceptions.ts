// Exceptions by their vectors (SDM volume 3, "Exception and Interrupt Vectors").
import { hex } from "./elf.ts";

const NAMES: Record<number, string> = {
  0: "#DE, divide error", 1: "#DB, debug", 3: "#BP, breakpoint", 4: "#OF, overflow",
  6: "#UD, invalid opcode", 7: "#NM, no x87 or SSE", 8: "#DF, double fault",
  10: "#TS, invalid TSS", 11: "#NP, segment not present", 12: "#SS, stack fault",
  13: "#GP, general protection", 14: "#PF, page fault", 17: "#AC, alignment check",
};

export const UD = 6;
export const PAGE_FAULT = 14;

/** `#PF, page fault` */
export function exceptionName(vector: number): string {
  return NAMES[vector] ?? `exception ${vector}`;
}

/** What a CPU does that nobody handles one for. */
export function stopText({ vector, address }: { vector: number; address: bigint }): string {
  const where = vector === PAGE_FAULT ? ` of ${hex(address)}` : "";
  return `stops with ${exceptionName(vector)}${where},`;
}
