// With which values some fields were loaded: the machine goes on from before the first of these
// loads once more, and all loads are recorded, also those without a label.
import { TRACE_ALL_LOADS, TRACE_LOAD } from "../../assembly/trace-kinds.ts";
import type { LoadedField, Part } from "../cases/report-plan.ts";
import type { TraceEvent } from "../core/trace.ts";
import { translate } from "../machine/page-walk.ts";
import { fieldOf, type ShownField } from "./case-report-fields.ts";
import type { Source } from "./case-report-steps.ts";
import type { Session } from "./crash/session.ts";

type LoadsPart = Extract<Part, { loads: unknown }>;

/** All of a window of many CPUs. */
const LOAD_OPTIONS = {
  workers: 1, traceEvents: 1 << 20, traceKinds: (1 << TRACE_LOAD) | TRACE_ALL_LOADS,
  traceFrom: 0n, traceTo: 0n, history: 0,
} as const;

/** `here` is the machine before the first load; it stays there. */
export async function loadsOf(
  part: LoadsPart, here: Session, { failure: { moments = {} } }: Source,
): Promise<ShownField[]> {
  const [name, cycles] = part.until;
  const [first, last] = [moments[part.when!]!, moments[name]];
  const until = (last ?? first).time + BigInt(cycles);
  const { machine } = here;
  const again = await machine.again(LOAD_OPTIONS, await machine.snapshot());
  let loads: TraceEvent[];
  try {
    await again.runTo(until);
    loads = again.view.trace((kind) => kind === TRACE_LOAD)
      .filter(({ cpu, time }) => cpu === first.cpu && time >= first.time && time <= until);
  } finally {
    again.close();
  }
  const isSame = loads.some(({ time, phys, value }) =>
    time === first.time && phys === first.phys && value === first.value);
  const found = new Map(part.loads.map((field) => [field.name, firstLoad(here, field, loads)]));
  return part.loads.map((field) => {
    const { unless } = field;
    const load = found.get(field.name);
    const on = unless && found.get(unless.field);
    const text = !isSame ? "not recorded: with all loads recorded the run came out different"
      : load ? `${valueText(here, field, load)} by cpu${load.cpu} at ${load.time}`
        : unless && on && (on.value & unless.bits) === 0n ? `not loaded: ${unless.why}`
          : `not loaded by cpu${first.cpu} from ${first.time} to ${until}`;
    return { name: field.name, text, value: isSame ? load?.value : undefined };
  });
}

function firstLoad(here: Session, { value }: LoadedField, loads: readonly TraceEvent[]) {
  const place = value === undefined ? undefined : here.placeOf(value);
  const phys = place && translate(here.guest.ram, here.guest.cr3, place.lin);
  return loads.find((load) => Number(load.phys) === phys);
}

const valueText = (here: Session, { name, radix }: LoadedField, { value }: TraceEvent) =>
  fieldOf(here, { name, value: `${value}`, radix }).text;
