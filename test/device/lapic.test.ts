// The local APIC against SDM Vol. 3A, "Advanced Programmable Interrupt Controller".
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compileDevices, CORE, type Device, type Devices, OUTBOX } from "./devices.ts";

const CPUS = 4;
const TPR = 0x80;
const EOI = 0xb0;
const LDR = 0xd0;
const SVR = 0xf0;
const ICR_LOW = 0x300;
const ICR_HIGH = 0x310;
const LVT_TIMER = 0x320;
const INITIAL_COUNT = 0x380;
const CURRENT_COUNT = 0x390;
const DIVIDE = 0x3e0;
const X2APIC = 0xfee00d00n;
const NEVER = 0xffffffffffffffffn;

let devices: Devices;
let apic: Device;

beforeAll(() => {
  devices = compileDevices(CPUS);
  apic = devices.calls;
});

beforeEach(() => {
  apic.lapicReset(CORE, 0, 1);
  apic.setClock(CORE, 1000n);
  apic.openOutbox(OUTBOX);
  apic.lapicWrite(CORE, SVR, 0x1ff);
});

const deadline = () => BigInt.asUintN(64, apic.lapicDeadline(CORE));

/** Messages sent since openOutbox(): destination and value (memory/message.ts). */
function sent(): Array<[number, number]> {
  return Array.from({ length: apic.outboxCount() }, (_, i) => {
    const at = OUTBOX + i * 32;
    return [devices.view.getUint32(at + 12, true), devices.view.getUint32(at + 24, true)];
  });
}

describe("priority", () => {
  it("takes the highest vector first and nests only higher classes", () => {
    apic.lapicAccept(CORE, 0x31);
    apic.lapicAccept(CORE, 0x52);
    expect(apic.lapicPending(CORE)).toBe(0x52);
    expect(apic.lapicAck(CORE)).toBe(0x52);
    expect(apic.lapicPending(CORE)).toBe(-1);
    apic.lapicAccept(CORE, 0x5f); // the same class waits
    expect(apic.lapicPending(CORE)).toBe(-1);
    apic.lapicAccept(CORE, 0x60);
    expect(apic.lapicAck(CORE)).toBe(0x60);
    apic.lapicWrite(CORE, EOI, 0);
    expect(apic.lapicPending(CORE)).toBe(-1);
    apic.lapicWrite(CORE, EOI, 0);
    expect(apic.lapicAck(CORE)).toBe(0x5f);
    apic.lapicWrite(CORE, EOI, 0);
    expect(apic.lapicAck(CORE)).toBe(0x31);
  });

  it("holds back what TPR or CR8 masks", () => {
    apic.lapicAccept(CORE, 0x41);
    apic.lapicSetCr8(CORE, 4n);
    expect(apic.lapicRead(CORE, TPR)).toBe(0x40);
    expect(apic.lapicPending(CORE)).toBe(-1);
    apic.lapicWrite(CORE, TPR, 0x3f);
    expect(apic.lapicPending(CORE)).toBe(0x41);
  });

  it("shows IRR and ISR bit by bit, also above vector 127", () => {
    apic.lapicAccept(CORE, 0xe3);
    expect(apic.lapicRead(CORE, 0x200 + 7 * 16)).toBe(8);
    apic.lapicAck(CORE);
    expect(apic.lapicRead(CORE, 0x200 + 7 * 16)).toBe(0);
    expect(apic.lapicRead(CORE, 0x100 + 7 * 16)).toBe(8);
  });

  it("accepts nothing while software-disabled, and no illegal vector", () => {
    apic.lapicAccept(CORE, 15);
    expect(apic.lapicPending(CORE)).toBe(-1);
    apic.lapicWrite(CORE, SVR, 0xff);
    apic.lapicAccept(CORE, 0x41);
    expect(apic.lapicPending(CORE)).toBe(-1);
  });
});

describe("interrupt command", () => {
  it("sends to a physical destination, to all but self, and to itself without a message", () => {
    apic.lapicWrite(CORE, ICR_HIGH, 2 << 24);
    apic.lapicWrite(CORE, ICR_LOW, 0x40);
    expect(sent()).toEqual([[2, 0x40]]);
    apic.lapicWrite(CORE, ICR_LOW, 0xc0041);
    expect(sent().slice(1)).toEqual([[1, 0x41], [2, 0x41], [3, 0x41]]);
    apic.lapicWrite(CORE, ICR_LOW, 0x40042);
    expect(apic.outboxCount()).toBe(4);
    expect(apic.lapicPending(CORE)).toBe(0x42);
  });

  it("leaves a flat logical destination to the receiver's LDR", () => {
    apic.lapicWrite(CORE, ICR_HIGH, 6 << 24);
    apic.lapicWrite(CORE, ICR_LOW, 0x843);
    const message = 0x06000843;
    expect(sent()).toEqual([[1, message], [2, message], [3, message]]);
    apic.lapicWrite(CORE, LDR, 1 << 24);
    apic.lapicAccept(CORE, message);
    expect(apic.lapicPending(CORE)).toBe(-1);
    apic.lapicWrite(CORE, LDR, 4 << 24);
    apic.lapicAccept(CORE, message);
    expect(apic.lapicPending(CORE)).toBe(0x43);
  });
});

describe("x2APIC", () => {
  it("is entered by IA32_APIC_BASE and left only by reset", () => {
    expect(apic.lapicMsrLegal(CORE, 0x802, 0)).toBe(0);
    expect(apic.lapicSetBase(CORE, 0xfee01900n)).toBe(0); // the page cannot move
    expect(apic.lapicSetBase(CORE, X2APIC)).toBe(1);
    expect(apic.lapicSetBase(CORE, 0xfee00900n)).toBe(0);
    expect(apic.lapicMsrLegal(CORE, 0x802, 0)).toBe(1);
    expect(apic.lapicMsrLegal(CORE, 0x802, 1)).toBe(0);
    expect(apic.lapicMsrLegal(CORE, 0x80b, 0)).toBe(0); // EOI is write-only
    expect(apic.lapicMsrLegal(CORE, 0x80e, 0)).toBe(0); // no DFR
    expect(apic.lapicMsrLegal(CORE, 0x831, 1)).toBe(0); // no ICR2
  });

  it("sends with one 64-bit ICR write and by SELF_IPI", () => {
    apic.lapicSetBase(CORE, X2APIC);
    apic.lapicWriteMsr(CORE, 0x830, (3n << 32n) | 0x55n);
    expect(sent()).toEqual([[3, 0x55]]);
    expect(apic.lapicReadMsr(CORE, 0x830)).toBe((3n << 32n) | 0x55n);
    apic.lapicWriteMsr(CORE, 0x830, (0x6n << 32n) | 0x856n); // logical: CPUs 1 and 2
    expect(sent().slice(1)).toEqual([[1, 0x56], [2, 0x56]]);
    apic.lapicWriteMsr(CORE, 0x83f, 0x77n);
    expect(apic.lapicPending(CORE)).toBe(0x77);
  });
});

describe("timer", () => {
  it("fires once after initial count times divisor", () => {
    apic.lapicWrite(CORE, DIVIDE, 0b0011); // 16
    apic.lapicWrite(CORE, LVT_TIMER, 0x50);
    apic.lapicWrite(CORE, INITIAL_COUNT, 10);
    expect(deadline()).toBe(1160n);
    apic.setClock(CORE, 1081n);
    expect(apic.lapicRead(CORE, CURRENT_COUNT)).toBe(5);
    apic.lapicFire(CORE);
    expect(apic.lapicPending(CORE)).toBe(0x50);
    expect(deadline()).toBe(NEVER);
  });

  it("repeats in periodic mode without drift, also while masked", () => {
    apic.lapicWrite(CORE, DIVIDE, 0b1011); // 1
    apic.lapicWrite(CORE, LVT_TIMER, 0x20050);
    apic.lapicWrite(CORE, INITIAL_COUNT, 100);
    apic.setClock(CORE, 1130n);
    apic.lapicFire(CORE);
    expect(deadline()).toBe(1200n);
    apic.lapicAck(CORE);
    apic.lapicWrite(CORE, LVT_TIMER, 0x30050);
    apic.lapicFire(CORE);
    expect(deadline()).toBe(1300n);
    expect(apic.lapicRead(CORE, 0x200 + 2 * 16)).toBe(0);
  });

  it("has a TSC-deadline mode: 0 disarms, the past fires at once, a mode change disarms", () => {
    apic.lapicSetTscDeadline(CORE, 5000n); // ignored in one-shot mode
    expect(deadline()).toBe(NEVER);
    apic.lapicWrite(CORE, LVT_TIMER, 0x40050);
    apic.lapicSetTscDeadline(CORE, 5000n);
    expect(deadline()).toBe(5000n);
    apic.lapicSetTscDeadline(CORE, 0n);
    expect(deadline()).toBe(NEVER);
    apic.lapicSetTscDeadline(CORE, 10n);
    expect(deadline()).toBe(1000n);
    apic.lapicWrite(CORE, LVT_TIMER, 0x50);
    expect(deadline()).toBe(NEVER);
  });
});
