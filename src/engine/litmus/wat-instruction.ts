// One x86 instruction as WebAssembly text. Plain accesses stay plain, locked ones become atomic
// read-modify-writes, MFENCE becomes atomic.fence. Flags are i32 locals, 0 or 1.
// Left out, with an Untranslatable: what the tables below do not name, 16-byte CMPXCHG, CALL.
import type { Instruction } from "iced-x86";
import {
  type Area, constant, type Iced, loadAt, masked, Operands, rmwAt, setRegister, storeAt,
  Untranslatable,
} from "./wat-operand.ts";

const RAX = 0;
const RDX = 2;
const RSP = 4;
const WORD = 8;

const get = (name: string) => `(local.get $${name})`;
const set = (name: string, value: string) => `(local.set $${name} ${value})`;
/** Bit `index` of an i64, as an i32. */
const bit = (value: string, index: number | string) => {
  const count = typeof index === "number" ? `(i64.const ${index})` : index;
  return `(i32.and (i32.wrap_i64 (i64.shr_u ${value} ${count})) (i32.const 1))`;
};
const not = (value: string) => `(i32.eqz ${value})`;

/** SDM Vol. 1 B, "EFLAGS Condition Codes"; by the end of a mnemonic. */
const CONDITIONS: Record<string, string> = {
  o: get("of"), b: get("cf"), e: get("zf"), s: get("sf"), p: get("pf"),
  be: `(i32.or ${get("cf")} ${get("zf")})`,
  l: `(i32.ne ${get("sf")} ${get("of")})`,
  le: `(i32.or ${get("zf")} (i32.ne ${get("sf")} ${get("of")}))`,
};
const NEGATED: Record<string, string> = {
  no: "o", ae: "b", ne: "e", ns: "s", np: "p", a: "be", ge: "l", g: "le",
};

/** The condition at the end of a mnemonic: "ne" of Jne, Setne, Cmovne. */
export function conditionOf(mnemonic: string): string | undefined {
  const name = /^(?:J|Set|Cmov)([a-z]+)$/.exec(mnemonic)?.[1] ?? "";
  const text = CONDITIONS[name];
  if (text) return text;
  return NEGATED[name] ? not(CONDITIONS[NEGATED[name]]) : undefined;
}

const WASM_OF: Record<string, string> = {
  Add: "add", Sub: "sub", Cmp: "sub", And: "and", Test: "and", Or: "or", Xor: "xor", Inc: "add",
  Dec: "sub", Bts: "or", Btr: "and", Btc: "xor",
};

export class Translator extends Operands {
  readonly mnemonic: string;
  readonly locked: boolean;

  constructor(iced: Iced, instruction: Instruction, area: Area) {
    super(iced, instruction, area);
    this.mnemonic = iced.Mnemonic[instruction.mnemonic];
    this.locked = instruction.hasLockPrefix;
  }

  /** Statements; for what does not jump. */
  translate(): string {
    const { mnemonic } = this;
    switch (mnemonic) {
      case "Nop": case "Endbr64": case "Pause": case "Sfence": case "Lfence": case "Cld":
        return "";
      case "Mfence":
        return "(atomic.fence)";
      case "Mov":
        return this.locate(0) + this.locate(1) + this.set(0, this.get(1, this.size(0)));
      case "Movzx":
        return this.locate(1) + this.set(0, this.get(1));
      case "Movsx": case "Movsxd":
        return this.locate(1) + this.set(0, this.#extended(this.get(1), this.size(1)));
      case "Lea":
        return this.set(0, this.address());
      case "Add": case "Sub": case "Cmp": case "And": case "Test": case "Or": case "Xor":
        return this.#alu(this.get(1, this.size(0)));
      case "Inc": case "Dec":
        return this.#alu("(i64.const 1)");
      case "Neg": case "Not":
        return this.#negate();
      case "Xchg":
        return this.#exchange();
      case "Xadd":
        return this.#exchangeAdd();
      case "Cmpxchg":
        return this.#compareExchange();
      case "Bt": case "Bts": case "Btr": case "Btc":
        return this.#bitTest();
      case "Shl": case "Sal": case "Shr": case "Sar":
        return this.#shift();
      case "Push":
        return this.#push();
      case "Pop":
        return this.#stack() + set("b", loadAt(WORD)) + this.#moveStack(1) + this.#popped();
      case "Cdqe":
        return setRegister(RAX, 8, this.#extended(masked(get("r0"), 4), 4));
      case "Cwde":
        return setRegister(RAX, 4, this.#extended(masked(get("r0"), 2), 2));
      case "Cdq": case "Cqo": {
        const size = mnemonic === "Cdq" ? 4 : 8;
        const sign = `(i64.shr_s ${this.#extended(masked(get("r0"), size), size)} (i64.const 63))`;
        return setRegister(RDX, size, sign);
      }
    }
    return this.#conditional();
  }

  #conditional(): string {
    const condition = conditionOf(this.mnemonic);
    if (condition && this.mnemonic.startsWith("Set")) {
      return this.locate(0) + this.set(0, `(i64.extend_i32_u ${condition})`);
    }
    if (condition && this.mnemonic.startsWith("Cmov")) {
      const choice = `(select ${this.get(1)} ${this.get(0)} ${condition})`;
      return this.locate(1) + this.set(0, choice);
    }
    throw new Untranslatable(`there is no translation of ${this.mnemonic.toLowerCase()}`);
  }

  #extended(value: string, size: number): string {
    return size === 8 ? value : `(i64.extend${8 * size}_s ${value})`;
  }

  /** $a: old value of operand 0, $b: the other one, $c: the result. */
  #alu(source: string): string {
    const { mnemonic, locked } = this;
    const size = this.size(0);
    const operation = WASM_OF[mnemonic];
    const before = this.locate(0) + (this.isMemory(1) ? this.locate(1) : "");
    const old = locked ? rmwAt(size, operation, get("b")) : this.get(0);
    const result = masked(`(i64.${operation} ${get("a")} ${get("b")})`, size);
    const keeps = mnemonic === "Cmp" || mnemonic === "Test";
    const write = keeps || locked ? "" : this.set(0, get("c"));
    const carry = mnemonic !== "Inc" && mnemonic !== "Dec";
    return before + set("b", source) + set("a", old) + set("c", result) + write +
      this.#flags(operation, size, carry);
  }

  #flags(operation: string, size: number, carry = true): string {
    const top = 8 * size - 1;
    const [a, b, c] = [get("a"), get("b"), get("c")];
    const overflow = {
      add: bit(`(i64.and (i64.xor ${a} ${c}) (i64.xor ${b} ${c}))`, top),
      sub: bit(`(i64.and (i64.xor ${a} ${b}) (i64.xor ${a} ${c}))`, top),
    }[operation] ?? "(i32.const 0)";
    const carried = { add: `(i64.lt_u ${c} ${a})`, sub: `(i64.lt_u ${a} ${b})` }[operation];
    return set("of", overflow) + this.#signs(top) +
      (carry ? set("cf", carried ?? "(i32.const 0)") : "");
  }

  #signs(top: number): string {
    const c = get("c");
    const ones = `(i64.popcnt (i64.and ${c} (i64.const 255)))`;
    return set("zf", `(i64.eqz ${c})`) + set("sf", bit(c, top)) + set("pf", not(bit(ones, 0)));
  }

  #negate(): string {
    const size = this.size(0);
    const none = "(i64.const -1)";
    if (this.mnemonic === "Not") {
      if (this.locked) return this.locate(0) + `(drop ${rmwAt(size, "xor", masked(none, size))})`;
      return this.locate(0) + this.set(0, `(i64.xor ${this.get(0)} ${none})`);
    }
    if (this.locked) throw new Untranslatable("WebAssembly has no atomic negation");
    const result = masked(`(i64.sub ${get("a")} ${get("b")})`, size);
    return this.locate(0) + set("a", "(i64.const 0)") + set("b", this.get(0)) +
      set("c", result) + this.set(0, get("c")) + this.#flags("sub", size);
  }

  /** With memory it is locked without a prefix. */
  #exchange(): string {
    const size = this.size(0);
    const memory = [0, 1].find((index) => this.isMemory(index));
    if (memory === undefined) {
      return set("a", this.get(0)) + set("b", this.get(1)) + this.set(0, get("b")) +
        this.set(1, get("a"));
    }
    const other = 1 - memory;
    return this.locate(memory) + set("a", rmwAt(size, "xchg", this.get(other))) +
      this.set(other, get("a"));
  }

  #exchangeAdd(): string {
    const size = this.size(0);
    const sum = masked(`(i64.add ${get("a")} ${get("b")})`, size);
    const old = this.locked ? rmwAt(size, "add", get("b")) : this.get(0);
    // With one register as both, the sum stays in it: destination last.
    return this.locate(0) + set("b", this.get(1)) + set("a", old) + set("c", sum) +
      this.set(1, get("a")) + (this.locked ? "" : this.set(0, get("c"))) + this.#flags("add", size);
  }

  /** Where it fails, memory is not written: no state but those of x86-TSO comes from that. */
  #compareExchange(): string {
    const size = this.size(0);
    const expected = set("a", masked(get(`r${RAX}`), size));
    const old = this.locked
      ? rmwAt(size, "cmpxchg", get("a"), this.get(1)) : this.get(0);
    const write = this.locked ? "" : this.set(0, this.get(1));
    const difference = masked(`(i64.sub ${get("a")} ${get("b")})`, size);
    return this.locate(0) + expected + set("b", old) + set("c", difference) +
      this.#flags("sub", size) +
      `(if ${get("zf")} (then ${write}) (else ${setRegister(RAX, size, get("b"))}))`;
  }

  /** A bit index in a register reaches beyond the operand in memory (SDM Vol. 2A, "BT"). */
  #bitTest(): string {
    const size = this.size(0);
    const bits = 8 * size;
    const shift = Math.log2(bits);
    let before = "";
    const index = this.isRegister(1)
      ? this.#extended(this.get(1), size) : constant(this.instruction.immediate(1));
    if (this.isMemory(0)) {
      const words = `(i64.shr_s ${index} (i64.const ${shift}))`;
      const offset = this.isRegister(1) ? `(i64.mul ${words} (i64.const ${size}))` : constant(0n);
      before = this.locateAt(`(i64.add ${this.address()} ${offset})`, true, size);
    }
    before += set("b", `(i64.and ${index} (i64.const ${bits - 1}))`);
    const mask = `(i64.shl (i64.const 1) ${get("b")})`;
    const operation = WASM_OF[this.mnemonic];
    const operand = this.mnemonic === "Btr"
      ? masked(`(i64.xor ${mask} (i64.const -1))`, size) : mask;
    const old = this.locked ? rmwAt(size, operation, operand) : this.get(0);
    const changes = this.mnemonic !== "Bt" && !this.locked;
    return before + set("a", old) + set("cf", bit(get("a"), get("b"))) +
      (changes ? this.set(0, `(i64.${operation} ${get("a")} ${operand})`) : "");
  }

  /** OF as for a count of 1; for others it is undefined. */
  #shift(): string {
    const size = this.size(0);
    const bits = 8 * size;
    const count = `(i64.and ${this.get(1, 1)} (i64.const ${size === 8 ? 63 : 31}))`;
    const [a, b] = [get("a"), get("b")];
    const before = `(i64.sub ${b} (i64.const 1))`;
    const [value, result, carry] = this.mnemonic === "Shr"
      ? [this.get(0), `(i64.shr_u ${a} ${b})`, bit(a, before)]
      : this.mnemonic === "Sar"
        ? [this.#extended(this.get(0), size), `(i64.shr_s ${a} ${b})`, bit(a, before)]
        : [this.get(0), `(i64.shl ${a} ${b})`, bit(a, `(i64.sub (i64.const ${bits}) ${b})`)];
    const overflow = this.mnemonic === "Shr" ? bit(a, bits - 1)
      : this.mnemonic === "Sar" ? "(i32.const 0)"
        : `(i32.xor ${get("cf")} ${bit(get("c"), bits - 1)})`;
    const body = set("a", value) + set("c", masked(result, size)) + this.set(0, get("c")) +
      set("cf", carry) + set("of", overflow) + this.#signs(bits - 1);
    return this.locate(0) + set("b", count) + `(if (i64.ne ${b} (i64.const 0)) (then ${body}))`;
  }

  #stack(): string {
    return this.locateAt(get(`r${RSP}`), true, WORD);
  }

  #moveStack(words: number): string {
    return set(`r${RSP}`, `(i64.add ${get(`r${RSP}`)} (i64.const ${words * WORD}))`);
  }

  #push(): string {
    const value = this.locate(0) + set("b", this.get(0, WORD));
    return value + this.#moveStack(-1) + this.#stack() + storeAt(WORD, get("b"));
  }

  #popped(): string {
    return this.locate(0) + this.set(0, get("b"));
  }
}
