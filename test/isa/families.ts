// All instruction families.
import { ALIGNMENT } from "./families-alignment.ts";
import { ARITHMETIC } from "./families-arithmetic.ts";
import { SYSTEM } from "./families-system.ts";
import { TRANSFER } from "./families-transfer.ts";

export const FAMILIES = [...ARITHMETIC, ...TRANSFER, ...SYSTEM, ...ALIGNMENT];
