// Planted bugs in the model, its reduction and the fences: the small tests must see every one.
import { expect, it } from "vitest";
import { type Mutant, buildMutant } from "../support/mutant.ts";
import { faults } from "./cases.ts";

const THREAD = "assembly/explore/thread-state.ts";
const MUTANTS: Mutant[] = [
  {
    name: "the youngest store drains first",
    file: "assembly/explore/buffer.ts",
    from: "return b == null ? cons(e, null) : cons(b.head, append(b.rest, e));",
    to: "return cons(e, b);",
  },
  {
    name: "a load does not see the thread's own buffered store",
    file: "assembly/explore/buffer.ts",
    from: "    heldBits |= bits;\n",
    to: "",
  },
  {
    name: "LOCK does not wait for the store buffer",
    file: THREAD,
    from: "  if (kind != PENDING_LOAD && kind != PENDING_STEP) return CAN_AFTER_DRAIN;\n",
    to: "  if (kind == PENDING_LOCK) return CAN_LOCK;\n" +
      "  if (kind != PENDING_LOAD && kind != PENDING_STEP) return CAN_AFTER_DRAIN;\n",
  },
  {
    name: "SFENCE drains",
    file: "assembly/isa/system.ts",
    from: "if (op == Op.MFENCE && !portDrain(core, WAIT_FENCE_DRAIN)) return false;",
    to: "if ((op == Op.MFENCE || op == Op.SFENCE) && " +
      "!portDrain(core, WAIT_FENCE_DRAIN)) return false;",
  },
  {
    name: "MFENCE does not drain",
    file: "assembly/isa/system.ts",
    from: "if (op == Op.MFENCE && !portDrain(core, WAIT_FENCE_DRAIN)) return false;",
    to: "",
  },
  {
    name: "a load that a store covers in part does not wait where it must",
    file: THREAD,
    from: "  if (stalling && !heldWhole) return CAN_AFTER_DRAIN;\n",
    to: "  if (stalling && !heldWhole) return CAN_LOAD;\n",
  },
  {
    name: "a load misses the bytes of a store that covers it in part",
    file: THREAD,
    from: "  s.value = heldValue;\n",
    to: "  if (heldBits != bitsBelow(local.size1)) return CAN_LOAD;\n  s.value = heldValue;\n",
  },
  {
    name: "the reduction forgets what others have in their buffers",
    file: "assembly/explore/reduce.ts",
    from: "    if (buffered(tuple, u) & mask) set |= <u32>1 << (DRAIN + u);\n",
    to: "",
  },
  {
    name: "a search is not begun again when it has learnt what threads may do",
    file: "assembly/explore/search.ts",
    from: "  return grown && reducing ? AGAIN_LEARNT : COMPLETE;",
    to: "  return COMPLETE;",
  },
];

for (const mutant of MUTANTS) {
  it(mutant.name, { timeout: 600_000 }, async () => {
    const file = await buildMutant(mutant, "assembly/explore.ts", "explore");
    expect(await faults(file)).not.toEqual([]);
  });
}
