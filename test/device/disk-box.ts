// The I/O hub with disks, a stand-in for the home agent that grants lines in a seeded disorder, and
// a driver of the controllers in TypeScript, written from the Virtio specification alone.
import * as abi from "../../assembly/abi.ts";
import * as map from "../../assembly/device/map.ts";
import { parseDisks, writeDisks, type IrqPolicy } from "../../src/machine/disks.ts";
import { compileDevices, type Device, OUTBOX } from "./devices.ts";

const HUB = 0x200000;
const RAM = 0x300000;
export const RAM_BYTES = 0x60000;
const STORAGE = 0x380000;
/** Of 4 KiB, of all disks together. */
export const STORAGE_BLOCKS = 64;
const MEGAHERTZ = 2000;
const WINDOW = 50;

// memory/protocol.ts
const MSG_GETS = 1;
const MSG_GETX = 2;
const MSG_PUT = 3;
const MSG_IPI = 4;
const MSG_IO_REPLY = 6;
const ACCESS_WRITE = 0x100;
const ACCESS_MEMORY = 0x200;

export interface Interrupt {
  time: bigint;
  cpu: number;
  message: number;
}

export class DiskBox {
  readonly interrupts: Interrupt[] = [];
  now = 0n;
  private readonly calls: Device;
  private readonly view: DataView;
  /** Lines that the hub has, and must give back. */
  private readonly held = new Set<number>();
  private answer: number | undefined;
  private random: number;
  /** Called after every step in which the hub may have touched RAM. */
  watch: () => void = () => undefined;

  constructor(
    seed: number, cpus: number, words: string, single: string[] = [], policy?: IrqPolicy,
  ) {
    const { calls, view } = compileDevices(cpus);
    this.calls = calls;
    this.view = view;
    this.random = seed;
    const block = new DataView(view.buffer, abi.MACHINE_BASE, abi.MACHINE_BYTES);
    const put = (offset: number, value: number) => block.setUint32(offset, value, true);
    put(abi.M_RAM_BASE, RAM);
    put(abi.M_RAM_BYTES, RAM_BYTES);
    put(abi.M_WINDOW_CYCLES, WINDOW);
    put(abi.M_QUANTUM_CYCLES, WINDOW);
    put(abi.M_CLUSTERS, 4);
    put(abi.M_TSC_KHZ, MEGAHERTZ * 1000);
    put(abi.M_STORAGE_BASE, STORAGE);
    put(abi.M_STORAGE_BLOCKS, STORAGE_BLOCKS);
    for (let cpu = 0; cpu < cpus; cpu++) block.setUint8(abi.M_CPU_CLUSTER + cpu, cpu % 4);
    writeDisks(block, parseDisks(2, words, ...single), policy ?? "round-robin", MEGAHERTZ);
    calls.loadParameters();
    calls.hubReset(HUB);
    calls.openOutbox(OUTBOX);
  }

  /** Guest RAM. */
  get ram(): DataView {
    return new DataView(this.view.buffer, RAM, RAM_BYTES);
  }

  bytes(phys: number, count: number): Uint8Array {
    return new Uint8Array(this.view.buffer, RAM + phys, count);
  }

  write(address: number, value: number, cpu = 0): void {
    this.post(address, value, cpu);
    this.run(400n);
  }

  /** A write that is on its way when the CPU goes on. */
  post(address: number, value: number, cpu: number): void {
    const aux = 4 | ACCESS_WRITE | ACCESS_MEMORY;
    this.calls.hubAccess(HUB, this.now + 350n, cpu, address, aux, BigInt(value >>> 0));
  }

  read(address: number, cpu = 0): number {
    this.calls.hubAccess(HUB, this.now + 350n, cpu, address, 4 | ACCESS_MEMORY, 0n);
    this.answer = undefined;
    while (this.answer === undefined) this.run(BigInt(WINDOW));
    return this.answer;
  }

  eoi(vector: number): void {
    this.calls.hubEoi(HUB, this.now + 350n, vector);
    this.run(400n);
  }

  /** Lets `cycles` pass, and more until nothing is under way when `settle` is set. */
  run(cycles: bigint, settle = false): void {
    const until = this.now + cycles;
    while (this.now < until || (settle && this.busy())) {
      this.now += BigInt(WINDOW);
      this.calls.runHub(HUB, this.now);
      this.watch();
      this.exchange();
      const next = this.next();
      if (settle && this.busy() && next > this.now) this.now = next - (next % BigInt(WINDOW));
    }
  }

  private next(): bigint {
    return BigInt.asUintN(64, (this.calls.nextEvent as unknown as (hub: number) => bigint)(HUB));
  }

  private busy(): boolean {
    return this.next() !== 0xffffffffffffffffn;
  }

  private exchange(): void {
    const count = this.calls.outboxCount();
    for (let i = 0; i < count; i++) {
      const at = OUTBOX + i * 32;
      const time = this.view.getBigUint64(at, true);
      const kind = this.view.getUint16(at + 10, true);
      const line = this.view.getUint32(at + 16, true);
      const value = this.view.getUint32(at + 24, true);
      if (kind === MSG_GETS || kind === MSG_GETX) {
        if (this.held.has(line)) throw new Error(`line ${line} is asked for twice`);
        this.held.add(line);
        const grant = time + 50n + BigInt(this.draw() % 400);
        this.calls.hubGranted(HUB, grant < this.now ? this.now : grant, line);
      } else if (kind === MSG_PUT) {
        if (!this.held.delete(line)) throw new Error(`line ${line} is given back twice`);
      } else if (kind === MSG_IPI) {
        this.interrupts.push({ time, cpu: this.view.getUint32(at + 12, true), message: value });
      } else if (kind === MSG_IO_REPLY) {
        this.answer = value;
      }
    }
    this.calls.openOutbox(OUTBOX);
  }

  private draw(): number {
    this.random = (Math.imul(this.random, 1664525) + 1013904223) >>> 0;
    return this.random >>> 8;
  }
}

export interface Segment {
  phys: number;
  bytes: number;
  /** The device writes it. */
  writable: boolean;
}

const QUEUE = 16;
const DESC_NEXT = 1;
const DESC_WRITE = 2;

/** One controller's driver: rings at `base` in RAM, 2 KiB. */
export class Driver {
  readonly box: DiskBox;
  readonly disk: number;
  private readonly base: number;
  private free = Array.from({ length: QUEUE }, (_, i) => i);
  private readonly chains = new Map<number, number[]>();
  private avail = 0;
  private seen = 0;

  constructor(box: DiskBox, disk: number, base: number) {
    this.box = box;
    this.disk = disk;
    this.base = base;
  }

  register(offset: number): number {
    return map.VIRTIO_PHYS + this.disk * map.VIRTIO_STRIDE + offset;
  }

  /** 3.1.1 "Driver Requirements: Device Initialization". */
  initialise(): void {
    const { box } = this;
    box.write(this.register(0x70), 0);
    while (box.read(this.register(0x70)) !== 0) box.run(100n);
    box.write(this.register(0x70), 1);
    box.write(this.register(0x70), 3);
    box.write(this.register(0x24), 1);
    box.write(this.register(0x20), 1); // VERSION_1
    box.write(this.register(0x70), 11);
    box.write(this.register(0x30), 0);
    box.write(this.register(0x38), QUEUE);
    box.write(this.register(0x80), this.base);
    box.write(this.register(0x90), this.base + 0x200);
    box.write(this.register(0xa0), this.base + 0x400);
    box.write(this.register(0x44), 1);
    box.write(this.register(0x70), 15);
    this.box.bytes(this.base, 0x600).fill(0);
    this.free = Array.from({ length: QUEUE }, (_, i) => i);
    this.chains.clear();
    this.avail = 0;
    this.seen = 0;
  }

  get usedIndex(): number {
    return this.box.ram.getUint16(this.base + 0x402, true);
  }

  noInterrupt(flag: boolean): void {
    this.box.ram.setUint16(this.base + 0x200, flag ? 1 : 0, true);
  }

  /** Offers a chain; returns its head. The doorbell is rung unless `quiet`. */
  offer(segments: Segment[], cpu = 0, quiet = false): number {
    const { ram } = this.box;
    const indices = this.free.splice(0, segments.length);
    segments.forEach(({ phys, bytes, writable }, i) => {
      const at = this.base + 16 * indices[i];
      const last = i + 1 === segments.length;
      ram.setBigUint64(at, BigInt(phys), true);
      ram.setUint32(at + 8, bytes, true);
      ram.setUint16(at + 12, (writable ? DESC_WRITE : 0) | (last ? 0 : DESC_NEXT), true);
      ram.setUint16(at + 14, last ? 0 : indices[i + 1], true);
    });
    this.chains.set(indices[0], indices);
    ram.setUint16(this.base + 0x204 + 2 * (this.avail % QUEUE), indices[0], true);
    this.avail++;
    ram.setUint16(this.base + 0x202, this.avail & 0xffff, true);
    if (!quiet) this.notify(cpu);
    return indices[0];
  }

  notify(cpu = 0): void {
    this.box.write(this.register(0x50), 0, cpu);
  }

  /** Heads and lengths used since the last call, in their order. */
  used(): Array<{ head: number; bytes: number }> {
    const out = [];
    for (; this.seen !== this.usedIndex; this.seen = (this.seen + 1) & 0xffff) {
      const at = this.base + 0x404 + 8 * (this.seen % QUEUE);
      const head = this.box.ram.getUint32(at, true);
      this.free.push(...this.chains.get(head)!);
      this.chains.delete(head);
      out.push({ head, bytes: this.box.ram.getUint32(at + 4, true) });
    }
    return out;
  }
}
