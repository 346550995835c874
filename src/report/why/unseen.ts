// A task that sleeps although the last thing that it looked at has changed since, and that nobody
// looked for in time or at all: there is no meeting to tell, only that.
import { type Accesses, granuleOf, type Load } from "../../engine/accesses.ts";
import { framesOf, registersOf } from "../crash/backtrace.ts";
import type { Session } from "../crash/session.ts";
import { type Episode, firstAfter, joins, lastLook, latest } from "./meetings.ts";
import { changedIn, futexOf, signsOf } from "./sleepers.ts";
import { nameOf, type Teller } from "./story.ts";
import type { Explanation } from "./explanation.ts";

/** "task 17 (init) sleeps since cycle 7397698, when cpu0 left it in schedule < futex_wait" */
export function sleeps({ task, cpu, until }: Episode, session: Session): string {
  const registers = registersOf(session, task);
  const frames = registers ? framesOf(session, registers).map(({ name }) => name) : [];
  const where = frames.length ? ` in ${frames.join(" < ")}` : "";
  return `${nameOf(task)} sleeps since cycle ${until}, when cpu${cpu} left it${where}`;
}

export const taskOf = ({ task: { pid, comm }, cpu, until }: Episode) =>
  ({ pid, comm, cpu, since: until });

const FUTEX_BYTES = 4;

/** Of a program that sleeps on a futex. */
export function unseenBy(
  episode: Episode, session: Session, accesses: Accesses, teller: Teller,
): Explanation | undefined {
  const { guest } = session;
  const futex = futexOf(guest, episode.task);
  if (futex === undefined) return undefined;
  const looks = [lookAt(futex, episode, accesses), lastLook(episode, accesses, futex)];
  const [change] = looks.flatMap((read) => {
    const places = read ? accesses.places.get(granuleOf(read.phys))! : [];
    const store = read && firstAfter(read, places.filter(({ cpu }) => cpu !== episode.cpu));
    return read && store && changedIn(guest)(read, store) ? [{ read, store }] : [];
  });
  if (!change) return undefined;
  const { read, store } = change;
  return {
    kind: "asleep", cause: "interleaving", needsBuffer: false, task: taskOf(episode),
    title: `${capital(sleeps(episode, session))}; what it had looked at has changed since:`,
    paragraphs: [
      ...teller.change(read, store), ...visits(episode, session, accesses, teller),
      ...wordOf(episode, session, teller),
    ],
  };
}

/** The last look at the word on which the task sleeps, be it the kernel's. */
function lookAt(futex: number, episode: Episode, { places }: Accesses): Load | undefined {
  const own = places.get(granuleOf(futex))?.find(({ cpu }) => cpu === episode.cpu);
  return own?.loads.findLast(({ phys, size, time }) =>
    phys === futex && size === FUTEX_BYTES && time >= episode.from && time <= episode.until);
}

/** "It sleeps on gate, now 0; what it waits for is not known." */
export function wordOf({ task }: Episode, session: Session, teller: Teller): string[] {
  const { guest } = session;
  const futex = futexOf(guest, task);
  if (futex === undefined) return [];
  return [`It sleeps on ${teller.data(futex)}, now ${guest.ram.getUint32(futex, true)}; what it ` +
    "waits for is not known."];
}

/** Who looked where the task had queued itself, later than that. */
function visits(
  episode: Episode, session: Session, accesses: Accesses, teller: Teller,
): string[] {
  const { points } = signsOf(session.guest, episode.task);
  const { cpu, from, until } = episode;
  const queued = [...accesses.places.values()].flatMap((place) => {
    const own = place.find((recent) => recent.cpu === cpu);
    const store = own?.stores.findLast((one) =>
      one.time >= from && one.time <= until && points(one) && teller.kindOf(one.phys) === "other");
    return store ? [{ store, others: place.filter((recent) => recent !== own) }] : [];
  });
  const looks = queued.flatMap(({ store, others }) => others.flatMap((other) =>
    other.loads.filter((load) => load.time > (store.visible ?? Infinity))
      .map((load) => ({ load, joins: joins(other, load) }))));
  const where = queued.map(({ store }) => teller.place(store)).join(", ");
  if (!where) return [];
  if (looks.length === 0) {
    return [`At ${where}, where it had queued itself, no other CPU has looked since.`];
  }
  const wakers = looks.filter((look) => !look.joins);
  const last = latest((wakers.length ? wakers : looks).map(({ load }) => load))!;
  return [`The last look where it had queued itself: ${teller.look(last)}.`];
}

export const capital = (text: string) => `${text[0].toUpperCase()}${text.slice(1)}`;
