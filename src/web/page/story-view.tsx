// The last round of a lost wake-up, drawn from its trace: what each CPU did when, and how long the
// store of ring.tail stood in the store buffer.
import { findLostWakeup } from "../../cases/001-story.ts";
import type { CaseRun } from "../../cases/case.ts";
import type { TraceEvent } from "../../core/trace.ts";

const WIDTH = 640;
const LEFT = 70;
const RIGHT = 16;
const LANES = { submitter: 40, buffer: 92, reaper: 150 };
const HEIGHT = 215;

interface Mark {
  event: TraceEvent;
  lane: number;
  letter: string;
  text: string;
}

export function StoryView({ run }: { run: CaseRun }) {
  const [submitter, reaper] = run.spec.pair;
  const story = findLostWakeup(run.failure!, submitter, reaper);
  const marks: Mark[] = [];
  const add = (event: TraceEvent | undefined, lane: number, letter: string, text: string) => {
    if (event) marks.push({ event, lane, letter, text });
  };
  add(story.tailIssue, LANES.submitter, "A3", "stores ring.tail, into its store buffer");
  add(story.bRead, LANES.submitter, "B", "reads the wait queue: nobody is there");
  add(story.queueCommit, LANES.reaper, "1e", "is on the wait queue, for all to see");
  add(story.fence, LANES.reaper, "1g", "exchanges its task state");
  add(story.tailRead, LANES.reaper, "2", "reads ring.tail: the old value, so it sleeps");
  add(story.tailCommit, LANES.buffer, "A3", "is visible at last: too late");
  marks.sort((a, b) => Number(a.event.time - b.event.time));
  if (!marks.length) return null;
  const origin = story.tailIssue?.time ?? marks[0].event.time;
  const times = marks.map(({ event }) => Number(event.time - origin));
  const [low, high] = [Math.min(...times), Math.max(...times)];
  const at = (time: number) =>
    LEFT + ((time - low) / (high - low || 1)) * (WIDTH - LEFT - RIGHT);
  const from = story.tailIssue && at(Number(story.tailIssue.time - origin));
  const until = story.tailCommit && at(Number(story.tailCommit.time - origin));
  return (
    <>
      <div class="scroll" tabIndex={0}>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} role="img"
          aria-label="The last round in cycles; the list below says the same in words">
          {Object.entries(LANES).map(([name, y]) => (
            <g key={name}>
              <path class="line" d={`M${LEFT},${y}H${WIDTH - RIGHT}`} />
              <text x="4" y={y + 4}>
                {name === "buffer" ? "buffer" : `cpu ${name === "reaper" ? reaper : submitter}`}
              </text>
            </g>
          ))}
          {from !== undefined && until !== undefined && (
            <rect class="buffer" x={from} y={LANES.buffer - 9} width={until - from} height="18" />
          )}
          {marks.map(({ event, lane, letter }, i) => {
            const x = at(Number(event.time - origin));
            return (
              <g key={i}>
                <circle class="dot" cx={x} cy={lane} r="4" />
                <text x={x} y={lane - 12 - (i % 2) * 12} text-anchor="middle">{letter}</text>
                <text x={x} y={HEIGHT - 8 - (i % 2) * 14} text-anchor="middle">
                  {Number(event.time - origin)}
                </text>
              </g>
            );
          })}
        </svg>
      </div>
      <ol>
        {marks.map(({ event, letter, text }, i) => (
          <li key={i}>
            cycle {Number(event.time - origin)}, cpu {event.cpu}: <b>{letter}</b> {text}
          </li>
        ))}
      </ol>
    </>
  );
}
