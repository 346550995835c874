// Exactness of the directories at the end of a window, hand-overs under way included: what the home
// agent says of a cluster, and a shared cache of its L1s, is what will be once everything that is
// decided has taken effect.
import { CORE_L1D, M_CLUSTERS } from "../../abi";
import { Line, NO_SLOT } from "../../memory/cache";
import { Cluster, Loss, coreAt, sharedOf } from "../../memory/cluster";
import { Entry } from "../../memory/home";
import { codeBit, dataBit, findCode, findData } from "../../memory/l1";
import { MSHR_GRANTED, Mshr, findMshr } from "../../memory/mshr";
import { param } from "../../memory/params";
import { EXCLUSIVE, GETI, GETX, INVALID, NEVER, SHARED } from "../../memory/protocol";
import { SharedLine, findShared } from "../../memory/shared-cache";

export const HOME_WRONG: u32 = 64; // sharers or owner of the home agent
export const PRESENCE_WRONG: u32 = 65;
export const OWNER_WRONG: u32 = 66; // of the shared cache

/** 0, or what is wrong about one of the first `lines` lines. */
export function directories(lines: u32): u32 {
  for (let id: u32 = 0; id < param(M_CLUSTERS); id++) {
    const cluster = Cluster.of(id);
    for (let line: u32 = 0; line < lines; line++) {
      const e = Entry.of(line);
      const state = clusterState(cluster, line);
      if (((e.sharers >> id) & 1) != <u32>(state != INVALID)) return HOME_WRONG;
      if ((e.owner == <u8>(id + 1)) != (state >= EXCLUSIVE)) return HOME_WRONG;
      const found = findShared(sharedOf(cluster), line);
      if (!found) continue;
      const s = changetype<SharedLine>(changetype<usize>(found));
      for (let slot: u32 = 0; slot < cluster.cores; slot++) {
        const wrong = checkCore(cluster, s, slot, line);
        if (wrong) return wrong;
      }
    }
  }
  return 0;
}

/** The state of `line` in the cluster after the losses and the grant that are decided. */
function clusterState(cluster: Cluster, line: u32): u8 {
  let grant = NEVER;
  let granted: u8 = INVALID;
  for (let slot: u32 = 0; slot < cluster.cores; slot++) {
    const found = findMshr(coreAt(cluster, slot), line);
    if (!found) continue;
    const m = changetype<Mshr>(changetype<usize>(found));
    if (m.status != MSHR_GRANTED || m.home != 1) continue;
    grant = m.grant;
    granted = m.state;
  }
  const shared = findShared(sharedOf(cluster), line);
  let state = shared ? changetype<SharedLine>(changetype<usize>(shared)).state : INVALID;
  state = afterLosses(cluster, line, state, 0, grant, true, 0);
  return grant == NEVER ? state : afterLosses(cluster, line, granted, grant, NEVER, true, 0);
}

/**
 * `state` after the losses dated later than `from` and not later than `until`: those of the cluster
 * (`home`) or those of the core at `slot` to a sibling.
 */
function afterLosses(
  cluster: Cluster, line: u32, state: u8, from: u64, until: u64, home: bool, slot: u32,
): u8 {
  for (let i: u32 = 0; i < cluster.losses; i++) {
    const loss = Loss.at(cluster, i);
    if (loss.line != line || loss.time <= from || loss.time > until) continue;
    if ((loss.home != 0) != home || (!home && loss.keep == <u8>(slot + 1))) continue;
    state = loss.toShared ? min(state, SHARED) : INVALID;
  }
  return state;
}

/** A loss that was decided after the grant comes before it: the line will be asked for again. */
function isWithdrawn(cluster: Cluster, m: Mshr, slot: u32): bool {
  if (m.home) return false;
  for (let i: u32 = 0; i < cluster.losses; i++) {
    const loss = Loss.at(cluster, i);
    if (loss.line != m.line || loss.home || loss.keep == <u8>(slot + 1)) continue;
    if (loss.order > m.order && loss.time <= m.grant && !(loss.toShared && m.state == SHARED)) {
      return true;
    }
  }
  return false;
}

function checkCore(cluster: Cluster, s: SharedLine, slot: u32, line: u32): u32 {
  const core = coreAt(cluster, slot);
  const at = findData(core, line);
  let data = at == NO_SLOT ? INVALID : Line.at(core + CORE_L1D, at).state;
  let code = findCode(core, line) == NO_SLOT ? INVALID : SHARED;
  data = afterLosses(cluster, line, data, 0, NEVER, false, slot);
  code = afterLosses(cluster, line, code, 0, NEVER, false, slot);
  // A line that is asked for may leave the L1 without a word: the directory will speak of the copy
  // to come.
  let silent = false;
  const found = findMshr(core, line);
  if (found) {
    const m = changetype<Mshr>(changetype<usize>(found));
    silent = true;
    if (m.status == MSHR_GRANTED && m.home != 1 && !isWithdrawn(cluster, m, slot)) {
      const state = afterLosses(cluster, line, m.state, m.grant, NEVER, false, slot);
      if (m.kind == GETI) code = state;
      else data = state;
      if (m.kind == GETX) code = INVALID;
    }
  }
  const knowsData = (s.presence & dataBit(slot)) != 0;
  const knowsCode = (s.presence & codeBit(slot)) != 0;
  if (data != INVALID && !knowsData) return PRESENCE_WRONG;
  if (code != INVALID && !knowsCode) return PRESENCE_WRONG;
  if (!silent && (knowsData != (data != INVALID) || knowsCode != (code != INVALID))) {
    return PRESENCE_WRONG;
  }
  const owns = s.owner == <u8>(slot + 1);
  if (data >= EXCLUSIVE && !owns) return OWNER_WRONG;
  if (!silent && owns != (data >= EXCLUSIVE)) return OWNER_WRONG;
  return 0;
}
