// What the first thread of the host engine does around the rounds: sets the instances up, shuffles
// the orders, counts the final states.
import type { HostLayout } from "./host-layout.ts";
import type { CountedState, Program } from "../program.ts";
import { areaOf, observedOf } from "./wat.ts";

export class Rounds {
  readonly #program: Program;
  readonly #layout: HostLayout;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #words: Int32Array;
  readonly #image: Uint8Array;
  readonly #read: ((instance: number) => bigint)[];
  readonly #states = new Map<string, CountedState>();
  #random: number;

  constructor(program: Program, layout: HostLayout, memory: WebAssembly.Memory, seed: bigint) {
    this.#program = program;
    this.#layout = layout;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
    this.#words = new Int32Array(memory.buffer);
    this.#image = new Uint8Array(layout.stride);
    const { from } = areaOf(program);
    for (const { address, initial } of program.memory) {
      this.#image.set(initial, Number(address - from));
    }
    this.#read = program.observed.map((_, i) => this.#reader(i));
    this.#random = Number(BigInt.asUintN(32, seed)) || 1;
  }

  /** Marsaglia, "Xorshift RNGs". */
  #below(limit: number): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return (x >>> 0) % limit;
  }

  prepare(): void {
    const { instances, stride, base, counters, orders } = this.#layout;
    for (let i = 0; i < instances; i++) this.#bytes.set(this.#image, base + i * stride);
    this.#words.fill(0, counters / 4, counters / 4 + instances);
    // All threads take the instances in one order: they are to meet in each of them.
    const order = this.#words.subarray(orders[0] / 4, orders[0] / 4 + instances);
    for (let i = 0; i < instances; i++) order[i] = i;
    for (let i = instances - 1; i > 0; i--) {
      const j = this.#below(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    for (const other of orders.slice(1)) this.#words.set(order, other / 4);
  }

  #reader(index: number): (instance: number) => bigint {
    const what = this.#program.observed[index];
    const { base, stride, results, resultBytes } = this.#layout;
    if (what.kind === "register") {
      const slot = observedOf(this.#program, what.thread).indexOf(index);
      const start = results[what.thread] + slot * 8;
      const bytes = resultBytes[what.thread];
      return (instance) => this.#view.getBigUint64(start + instance * bytes, true);
    }
    const { from } = areaOf(this.#program);
    const { address } = this.#program.memory[what.variable];
    const start = base + Number(address - from) + what.offset;
    const view = this.#view;
    switch (what.size) {
      case 1: return (i) => BigInt(view.getUint8(start + i * stride));
      case 2: return (i) => BigInt(view.getUint16(start + i * stride, true));
      case 4: return (i) => BigInt(view.getUint32(start + i * stride, true));
      default: return (i) => view.getBigUint64(start + i * stride, true);
    }
  }

  /** Counts the first `count` instances of the order. */
  collect(count: number): void {
    const first = this.#layout.orders[0] / 4;
    for (let k = 0; k < count; k++) {
      const values = this.#read.map((read) => read(this.#words[first + k]));
      const key = values.join();
      const state = this.#states.get(key);
      if (state) state.count++;
      else this.#states.set(key, { values, count: 1 });
    }
  }

  get states(): CountedState[] {
    return [...this.#states.values()];
  }
}
