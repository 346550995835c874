// The timeline of a run: where nothing is recorded it says so, and calls only a whole run whole.
import { expect, it } from "vitest";
import {
  COLOURS, draw, isWhole, LEFT, type Range, ROW, signsOf, type Track, unrecorded, within, zoom,
} from "../../src/web/page/timeline.ts";

const colours = {
  text: "text", soft: "soft", edge: "edge", unknown: "grey", cursor: "red",
  kinds: { buffer: "buffer", mark: "mark", address: "address", data: "data" },
};
const track: Track = {
  name: "cpu 0 buffer", kind: "buffer",
  begins: Float64Array.of(500), ends: Float64Array.of(600),
};

/** All rectangles of a timeline with a pixel for each ten cycles, from 0 to 1000. */
function rectangles(recorded: Range, cursor = -1): [string, ...number[]][] {
  const drawn: [string, ...number[]][] = [];
  const context = {
    fillStyle: "", clearRect() {}, fillText() {},
    fillRect(...where: number[]) { drawn.push([this.fillStyle, ...where]); },
  };
  draw(context as unknown as CanvasRenderingContext2D, LEFT + 100, [track],
    { from: 0, to: 1000 }, recorded, cursor, colours);
  return drawn;
}

it("calls a run whole only where both its ends are recorded", () => {
  expect(isWhole({ from: 0, to: 1000 }, 1000)).toBe(true);
  expect(isWhole({ from: 1, to: 1000 }, 1000)).toBe(false);
  expect(isWhole({ from: 0, to: 999 }, 1000)).toBe(false);
});

it("knows which cycles of a range are not recorded", () => {
  const recorded = { from: 300, to: 700 };
  expect(unrecorded({ from: 0, to: 1000 }, recorded))
    .toEqual([{ from: 0, to: 300 }, { from: 700, to: 1000 }]);
  expect(unrecorded({ from: 300, to: 700 }, recorded)).toEqual([]);
  expect(unrecorded({ from: 400, to: 900 }, recorded)).toEqual([{ from: 700, to: 900 }]);
  expect(unrecorded({ from: 0, to: 100 }, recorded)).toEqual([{ from: 0, to: 100 }]);
  expect(unrecorded({ from: 800, to: 900 }, recorded)).toEqual([{ from: 800, to: 900 }]);
});

it("draws grey what is not recorded, and below the tracks", () => {
  const drawn = rectangles({ from: 300, to: 700 });
  expect(drawn.filter(([colour]) => colour === "grey"))
    .toEqual([["grey", LEFT, 0, 30, ROW], ["grey", LEFT + 70, 0, 30, ROW]]);
  expect(drawn.findIndex(([colour]) => colour === "buffer")).toBeGreaterThan(1);
  expect(drawn.filter(([colour]) => colour === "buffer"))
    .toEqual([["buffer", LEFT + 50, 3, 10, ROW - 7]]);
  expect(rectangles({ from: 0, to: 1000 }).some(([colour]) => colour === "grey")).toBe(false);
});

it("explains what is drawn, and no more", () => {
  const data: Track = { ...track, name: "bus 0 data", kind: "data" };
  const colours = (tracks: Track[], whole: boolean) =>
    signsOf(tracks, whole).map(({ colour }) => colour);
  expect(colours([track, track, data], true))
    .toEqual([COLOURS.buffer, COLOURS.data, COLOURS.cursor]);
  expect(colours([track], false)).toEqual([COLOURS.buffer, COLOURS.unknown, COLOURS.cursor]);
  const kinds = ["buffer", "mark", "address", "data"] as const;
  const all = signsOf(kinds.map((kind) => ({ ...track, kind })), false);
  expect(new Set(all.map(({ colour }) => colour)).size).toBe(all.length);
});

it("goes no farther than the run", () => {
  const all = { from: 0, to: 1000 };
  expect(within({ from: -50, to: 50 }, all)).toEqual({ from: 0, to: 100 });
  expect(within({ from: 950, to: 1050 }, all)).toEqual({ from: 900, to: 1000 });
  expect(zoom({ from: 400, to: 600 }, 0.5, 500, all)).toEqual({ from: 450, to: 550 });
  expect(zoom({ from: 100, to: 900 }, 4, 500, all)).toEqual(all);
  expect(zoom({ from: 400, to: 420 }, 0.01, 410, all)).toEqual({ from: 402, to: 418 });
});
