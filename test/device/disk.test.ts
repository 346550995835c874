// The disk controllers against the Virtio specification, driven through their registers and rings;
// and the I/O APIC behind them.
import { describe, expect, it } from "vitest";
import * as map from "../../assembly/device/map.ts";
import { DiskBox, Driver } from "./disk-box.ts";
import {
  DATA, fill, FLUSH, GET_ID, IN, LEVEL, LOGICAL, LOWEST, OUT, redirect, request, start,
  STATUS, VECTOR,
} from "./requests.ts";

describe("a controller", () => {
  it("introduces itself as a block device of the size it was given", () => {
    const { box, driver } = start("size=3T");
    expect(box.read(driver.register(0))).toBe(0x74726976);
    expect(box.read(driver.register(4))).toBe(2);
    expect(box.read(driver.register(8))).toBe(2);
    const sectors = box.read(driver.register(0x100)) + box.read(driver.register(0x104)) * 2 ** 32;
    expect(sectors).toBe((3 * 2 ** 40) / 512);
    expect(box.read(driver.register(0x70))).toBe(15);
  });

  it("refuses features that it does not offer", () => {
    const { box, driver } = start();
    box.write(driver.register(0x70), 0);
    box.write(driver.register(0x24), 0);
    box.write(driver.register(0x20), 1 << 29);
    box.write(driver.register(0x70), 11);
    expect(box.read(driver.register(0x70)) & 8).toBe(0);
  });

  it("reads zeros where nothing was written, and what was written elsewhere", () => {
    const { box, driver } = start();
    const wrote = fill(box, DATA + 13, 1536, 5);
    const far = 2 ** 32 - 9;
    driver.offer(request(box, OUT, far, [{ phys: DATA + 13, bytes: 1536, writable: false }]));
    box.run(0n, true);
    box.bytes(DATA, 0x2000).fill(0xee);
    driver.offer(request(box, IN, far - 1, [
      { phys: DATA + 5, bytes: 700, writable: true },
      { phys: DATA + 0x1000, bytes: 1860, writable: true },
    ], 1));
    box.run(0n, true);
    expect([box.ram.getUint8(STATUS), box.ram.getUint8(STATUS + 1)]).toEqual([0, 0]);
    const read = [...box.bytes(DATA + 5, 700), ...box.bytes(DATA + 0x1000, 1860)];
    expect(read).toEqual([...Array(512).fill(0), ...wrote, ...Array(512).fill(0)]);
    expect(driver.used().map((used) => used.bytes)).toEqual([1, 2561]);
  });

  it("shows used.idx only when data, status and element are there", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { box, driver } = start("", { seed });
      const wrote = fill(box, DATA, 4096, seed);
      driver.offer(request(box, OUT, 8, [{ phys: DATA, bytes: 4096, writable: false }]));
      box.run(0n, true);
      driver.used();
      box.bytes(DATA, 4096).fill(0);
      let seen = 0;
      box.watch = () => {
        if (driver.usedIndex !== 2) return;
        seen++;
        expect(box.ram.getUint8(STATUS + 1)).toBe(0);
        expect(box.bytes(DATA, 4096)).toEqual(wrote);
      };
      driver.offer(request(box, IN, 8, [{ phys: DATA, bytes: 4096, writable: true }], 1));
      box.run(0n, true);
      expect(seen).toBeGreaterThan(0);
    }
  });

  it("keeps every acknowledged write, whatever the order of commands", () => {
    const { box, driver } = start("model=uniform:1-40");
    const shadow = new Map<number, number[]>();
    let draw = 12345;
    const random = (below: number) => (draw = (draw * 48271) % 2147483647) % below;
    for (let round = 0; round < 60; round++) {
      const slots = [0, 1, 2, 3];
      const work = slots.map((slot) => ({
        slot, sector: slot * 40 + random(8), count: 1 + random(8), write: random(2) === 0,
      }));
      for (const { slot, sector, count, write } of work) {
        const phys = DATA + slot * 0x2000 + random(64);
        const bytes = count * 512;
        if (write) {
          const data = fill(box, phys, bytes, round * 4 + slot);
          for (let i = 0; i < count; i++) {
            shadow.set(sector + i, [...data.subarray(i * 512, i * 512 + 512)]);
          }
        }
        const segment = { phys, bytes, writable: !write };
        driver.offer(request(box, write ? OUT : IN, sector, [segment], slot), 0, slot < 3);
        Object.assign(work[slot], { phys });
      }
      box.run(0n, true);
      expect(driver.used()).toHaveLength(4);
      for (const { slot, sector, count, write, phys } of work as Array<
        (typeof work)[number] & { phys: number }
      >) {
        expect(box.ram.getUint8(STATUS + slot)).toBe(0);
        if (write) continue;
        for (let i = 0; i < count; i++) {
          const read = [...box.bytes(phys + i * 512, 512)];
          expect(read).toEqual(shadow.get(sector + i) ?? Array(512).fill(0));
        }
      }
    }
  });

  it("answers an unknown request, one beyond the end, and its name", () => {
    const { box, driver } = start("size=1M");
    driver.offer(request(box, 99, 0, [], 0));
    driver.offer(request(box, IN, 2047, [{ phys: DATA, bytes: 1024, writable: true }], 1));
    driver.offer(request(box, 8, 0, [{ phys: DATA, bytes: 20, writable: true }], 2));
    driver.offer(request(box, 4, 0, [], 3));
    box.run(0n, true);
    const status = [0, 1, 2, 3].map((slot) => box.ram.getUint8(STATUS + slot));
    expect(status).toEqual([2, 1, 0, 0]);
    const name = new TextDecoder().decode(Uint8Array.from(box.bytes(DATA, 9)));
    expect(name).toBe("boxdisk00");
  });

  it("asks for a reset when a chain has no end, and works again after it", () => {
    const { box, driver } = start();
    driver.offer(request(box, IN, 0, [{ phys: DATA, bytes: 512, writable: true }]), 0, true);
    box.ram.setUint16(0x1000 + 14, 0, true); // the header's next is the header
    driver.notify();
    box.run(0n, true);
    expect(box.read(driver.register(0x70)) & 64).toBe(64);
    driver.initialise();
    driver.offer(request(box, IN, 0, [{ phys: DATA, bytes: 512, writable: true }]));
    box.run(0n, true);
    expect(box.ram.getUint8(STATUS)).toBe(0);
  });

  it("is reset in the middle of a transfer", () => {
    for (let cycles = 400n; cycles < 6000n; cycles += 300n) {
      const { box, driver } = start();
      driver.offer(request(box, IN, 0, [{ phys: DATA, bytes: 8192, writable: true }]));
      box.run(cycles);
      driver.initialise();
      driver.offer(request(box, IN, 0, [{ phys: DATA, bytes: 512, writable: true }]));
      box.run(0n, true);
      expect(driver.used()).toHaveLength(1);
    }
  });
});

describe("faults", () => {
  const one = (box: DiskBox, driver: Driver, type: number, sector: number) => {
    driver.offer(request(box, type, sector, [{ phys: DATA, bytes: 1024, writable: type === IN }]));
    const from = box.now;
    box.run(0n, true);
    driver.used();
    return { status: box.ram.getUint8(STATUS), cycles: box.now - from };
  };

  it("hit the sectors and the direction named, and nothing else", () => {
    const { box, driver } = start("error=write:100-100 error=read:7-9");
    const status = (type: number, sector: number) => one(box, driver, type, sector).status;
    expect([OUT, IN].map((type) => status(type, 99))).toEqual([1, 0]);
    expect([98, 101].map((sector) => status(OUT, sector))).toEqual([0, 0]);
    expect([5, 6, 9, 10].map((sector) => status(IN, sector))).toEqual([0, 1, 1, 0]);
  });

  it("a time-out takes a second and fails", () => {
    const { box, driver } = start("error=both:0-9:timeout");
    const { status, cycles } = one(box, driver, IN, 4);
    expect(status).toBe(1);
    expect(cycles).toBeGreaterThan(1_900_000_000n);
  });

  it("a drive that goes fails what it was doing after 1 ms, and then everything", () => {
    const { box, driver } = start("model=list:50000,50000,1,1 gone=3");
    const data = (slot: number) => [{ phys: DATA + slot * 4096, bytes: 512, writable: true }];
    let done = 0n;
    box.watch = () => {
      if (driver.usedIndex < 3) done = box.now;
    };
    for (let slot = 0; slot < 3; slot++) driver.offer(request(box, IN, slot, data(slot), slot));
    box.run(0n, true);
    expect([0, 1, 2].map((slot) => box.ram.getUint8(STATUS + slot))).toEqual([1, 1, 1]);
    expect(done).toBeGreaterThan(2_000_000n);
    expect(done).toBeLessThan(2_100_000n);
    expect(driver.used()).toHaveLength(3);
    expect(one(box, driver, OUT, 0).status).toBe(1);
  });

  it("a drive that is gone has no flush and no name any more, and goes at one of them too", () => {
    const identify = [{ phys: DATA, bytes: 20, writable: true }];
    for (const last of [FLUSH, GET_ID]) {
      const { box, driver } = start("model=list:50000 gone=4");
      const answer = (type: number, slot: number) => {
        driver.offer(request(box, type, 0, type === GET_ID ? identify : [], slot));
        box.run(0n, true);
        return box.ram.getUint8(STATUS + slot);
      };
      expect([FLUSH, GET_ID].map(answer)).toEqual([0, 0]);
      expect(new TextDecoder().decode(box.bytes(DATA, 9))).toBe("boxdisk00");
      box.bytes(DATA, 20).fill(0xee);
      const data = [{ phys: DATA + 4096, bytes: 512, writable: true }];
      driver.offer(request(box, IN, 0, data, 2));
      expect(answer(last, 3)).toBe(1);
      expect(box.ram.getUint8(STATUS + 2)).toBe(1);
      expect([answer(FLUSH, 4), driver.used().length]).toEqual([1, 5]);
      expect(answer(GET_ID, 5)).toBe(1);
      expect(box.bytes(DATA, 20).every((byte) => byte === 0xee)).toBe(true);
    }
  });
});

describe("service times", () => {
  const time = (words: string, sectors: number[]) => {
    const { box, driver } = start(words);
    return sectors.map((sector) => {
      const from = box.now;
      driver.offer(request(box, IN, sector, [{ phys: DATA, bytes: 512, writable: true }]));
      box.run(0n, true);
      driver.used();
      return Number(box.now - from) / 2000;
    });
  };

  it("uniform stays within its bounds and is not constant", () => {
    const times = time("model=uniform:15-40", Array(40).fill(0));
    expect(Math.min(...times)).toBeGreaterThan(15);
    expect(Math.max(...times)).toBeLessThan(46);
    expect(new Set(times.map(Math.round)).size).toBeGreaterThan(8);
  });

  it("a list is taken in turn", () => {
    const times = time("model=list:100,200,300", [0, 0, 0, 0]).map((us) => Math.floor(us / 100));
    expect(times).toEqual([1, 2, 3, 1]);
  });

  it("sas15k needs no seek for the next sector, and milliseconds for another", () => {
    const [, next, far] = time("model=sas15k", [0, 1, 2_000_000_000]);
    expect(next).toBeLessThan(20);
    expect(far).toBeGreaterThan(4000);
    expect(far).toBeLessThan(11_500);
  });
});

describe("the I/O APIC", () => {
  const read = (box: DiskBox, driver: Driver, cpu = 0) => {
    driver.offer(request(box, IN, 0, [{ phys: DATA, bytes: 512, writable: true }]), cpu);
    box.run(0n, true);
    driver.used();
  };

  it("has 64 entries, all masked after reset", () => {
    const { box } = start();
    box.write(map.IOAPIC_PHYS, 1);
    expect(box.read(map.IOAPIC_PHYS + 0x10) >> 16).toBe(63);
    box.write(map.IOAPIC_PHYS, 0x10 + 2 * 63);
    expect(box.read(map.IOAPIC_PHYS + 0x10)).toBe(0x10000);
  });

  it("sends a level once until its EOI, and again if the device was not served", () => {
    const { box, driver } = start();
    redirect(box, VECTOR | LEVEL, 2 << 24);
    read(box, driver);
    read(box, driver);
    expect(box.interrupts.map(({ cpu, message }) => [cpu, message & 0xff])).toEqual([[2, VECTOR]]);
    box.eoi(VECTOR);
    expect(box.interrupts).toHaveLength(2);
    box.write(driver.register(0x64), 1);
    box.eoi(VECTOR);
    expect(box.interrupts).toHaveLength(2);
    read(box, driver);
    expect(box.interrupts).toHaveLength(3);
  });

  it("sends nothing while masked, and what is pending when unmasked", () => {
    const { box, driver } = start();
    read(box, driver);
    expect(box.interrupts).toHaveLength(0);
    redirect(box, VECTOR | LEVEL, 1 << 24);
    expect(box.interrupts.map(({ cpu }) => cpu)).toEqual([1]);
  });

  it("raises no interrupt when the driver asks for none", () => {
    const { box, driver } = start();
    redirect(box, VECTOR | LEVEL, 0);
    driver.noInterrupt(true);
    read(box, driver);
    expect(box.interrupts).toHaveLength(0);
  });

  const chosen = (policy: ConstructorParameters<typeof DiskBox>[4], submitters: number[]) => {
    const box = new DiskBox(3, 16, "", [], policy);
    const driver = new Driver(box, 0, 0x1000);
    driver.initialise();
    redirect(box, VECTOR | LEVEL | LOWEST | LOGICAL, 0xff << 24);
    return submitters.map((cpu) => {
      read(box, driver, cpu);
      box.write(driver.register(0x64), 1);
      box.eoi(VECTOR);
      return box.interrupts.at(-1)!.cpu;
    });
  };

  it("chooses by policy among every CPU, beyond 8 too", () => {
    expect(chosen("fixed", [3, 9])).toEqual([0, 0]);
    expect(chosen("round-robin", Array(17).fill(0))).toEqual([...Array(16).keys(), 0]);
    expect(chosen("submitter", [3, 9, 15])).toEqual([3, 9, 15]);
    // CPUs share a die when they are equal modulo 4.
    expect(chosen("same-die", [3, 9, 15])).toEqual([7, 13, 3]);
    expect(chosen("far-die", [3, 9, 15]).map((cpu) => cpu % 4)).not.toContain([3, 1, 3]);
    expect(chosen("far-die", [3, 9, 15])).toEqual([4, 10, 0]);
    expect(new Set(chosen("seeded", Array(24).fill(0))).size).toBeGreaterThan(6);
  });
});
