// The pool that what the disks hold is kept in: what a full one does to reads and writes, of a disk
// with a file behind it and of one without.
import { describe, expect, it } from "vitest";
import { fileBlock } from "./devices.ts";
import { type DiskBox, Driver, STORAGE_BLOCKS } from "./disk-box.ts";
import { DATA, fill, IN, OUT, request, start, STATUS } from "./requests.ts";

const BLOCK = 4096;
const SECTORS = BLOCK / 512;
const OK = 0;
const IOERR = 1;

/** One command of `bytes` at byte `at` of the disk; its status. */
function command(
  box: DiskBox, driver: Driver, type: number, at: number, bytes = BLOCK,
): number {
  const segment = { phys: DATA, bytes, writable: type === IN };
  driver.offer(request(box, type, at / 512, [segment]));
  box.run(0n, true);
  driver.used();
  return box.ram.getUint8(STATUS);
}

function read(box: DiskBox, driver: Driver, at: number, bytes = BLOCK) {
  box.bytes(DATA, bytes).fill(0xee);
  const status = command(box, driver, IN, at, bytes);
  return { status, data: Uint8Array.from(box.bytes(DATA, bytes)) };
}

function write(box: DiskBox, driver: Driver, at: number, seed: number, bytes = BLOCK) {
  const data = fill(box, DATA, bytes, seed);
  return { status: command(box, driver, OUT, at, bytes), data };
}

/** Writes as many blocks as there is room for, from block 0 on. */
function fillPool(box: DiskBox, driver: Driver): Uint8Array[] {
  return Array.from({ length: STORAGE_BLOCKS }, (_, block) => {
    const { status, data } = write(box, driver, block * BLOCK, block);
    expect(status).toBe(OK);
    return data;
  });
}

const FILE = "size=1M file=disk.img";
const NOTHING = new Uint8Array(BLOCK);
const same = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b);

describe.each([
  ["a file behind the disk", FILE, (block: number) => fileBlock(0, block)],
  ["no file", "size=1M", () => NOTHING],
])("a full pool, %s", (_, words, before) => {
  const LAST = STORAGE_BLOCKS;

  it("reads what was written, and what never was", () => {
    const { box, driver } = start(words);
    const wrote = fillPool(box, driver);
    for (let block = 0; block < LAST + 6; block++) {
      const { status, data } = read(box, driver, block * BLOCK);
      expect([block, status]).toEqual([block, OK]);
      expect(same(data, wrote[block] ?? before(block)), `block ${block}`).toBe(true);
    }
  });

  it("fails a write that needs a block, and changes nothing", () => {
    const { box, driver } = start(words);
    fillPool(box, driver);
    expect(write(box, driver, LAST * BLOCK, 77).status).toBe(IOERR);
    expect(read(box, driver, LAST * BLOCK)).toEqual({ status: OK, data: before(LAST) });
  });

  it("writes where it has written", () => {
    const { box, driver } = start(words);
    fillPool(box, driver);
    const { status, data } = write(box, driver, 9 * BLOCK, 77);
    expect(status).toBe(OK);
    expect(read(box, driver, 9 * BLOCK).data).toEqual(data);
  });

  it("does not acknowledge a write of which only a part has room", () => {
    const { box, driver } = start(words);
    fillPool(box, driver);
    const status = (at: number) => write(box, driver, at, 77, 2 * BLOCK).status;
    expect([LAST - 1, LAST - 2].map((block) => status(block * BLOCK))).toEqual([IOERR, OK]);
    expect(read(box, driver, LAST * BLOCK).data).toEqual(before(LAST));
  });
});

describe("a file behind the disk", () => {
  it("takes no room by being read", () => {
    const { box, driver } = start(FILE);
    for (let block = 0; block < 3 * STORAGE_BLOCKS; block++) {
      const { status, data } = read(box, driver, block * BLOCK);
      expect([block, status]).toEqual([block, OK]);
      expect(same(data, fileBlock(0, block)), `block ${block}`).toBe(true);
    }
    fillPool(box, driver);
  });

  it("shows through around what was written, read before or not", () => {
    for (const first of [true, false]) {
      const { box, driver } = start(FILE);
      const whole = Uint8Array.from([...fileBlock(0, 5), ...fileBlock(0, 6)]);
      if (first) expect(read(box, driver, 5 * BLOCK, 2 * BLOCK).data).toEqual(whole);
      const at = 5 * BLOCK + 7 * 512;
      whole.set(write(box, driver, at, 3, 1024).data, 7 * 512);
      expect(read(box, driver, 5 * BLOCK, 2 * BLOCK).data).toEqual(whole);
    }
  });

  it("is each disk's own, also when two are read at once", () => {
    const { box, driver } = start(FILE);
    const second = new Driver(box, 1, 0x2000);
    second.initialise();
    const segment = (slot: number) => [{ phys: DATA + slot * BLOCK, bytes: BLOCK, writable: true }];
    driver.offer(request(box, IN, 3 * SECTORS, segment(0), 0), 0, true);
    second.offer(request(box, IN, 3 * SECTORS, segment(1), 1), 0, true);
    driver.notify();
    second.notify();
    box.run(0n, true);
    expect(box.bytes(DATA, BLOCK)).toEqual(fileBlock(0, 3));
    expect(box.bytes(DATA + BLOCK, BLOCK)).toEqual(fileBlock(1, 3));
  });
});
