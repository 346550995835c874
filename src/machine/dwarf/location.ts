// Memory locations, as C11 3.14 has them: what two CPUs can write without one disturbing the other
// is an object of a scalar type, or all bit fields that stand side by side.
import { bare, bitFieldsAt, bytesOfBits, isOpen, type Member, type Type } from "./types.ts";

/** Bytes of an object, from its start. */
export interface Extent {
  at: number;
  bytes: number;
}

/**
 * The memory location at byte `offset` of a `type`; undefined for padding, behind the end, and
 * where the members of a union do not agree.
 */
export function locationAt(type: Type, offset: number): Extent | undefined {
  const here = bare(type);
  if (here.kind === "array") {
    if (here.of.bytes === 0) return undefined;
    const start = Math.floor(offset / here.of.bytes) * here.of.bytes;
    return moved(locationAt(here.of, offset - start), start);
  }
  if (here.kind === "struct") return inStruct(here.members, offset);
  if (here.kind === "union") {
    const [first, ...others] = here.members.filter(({ type: of }) => offset < of.bytes)
      .map((member) => inMember(member, offset));
    const agreed = others.every((one) => one?.at === first?.at && one?.bytes === first?.bytes);
    return agreed ? first : undefined;
  }
  return offset < here.bytes ? { at: 0, bytes: here.bytes } : undefined;
}

const moved = (extent: Extent | undefined, by: number) =>
  extent && { at: extent.at + by, bytes: extent.bytes };

function inMember(member: Member, offset: number): Extent | undefined {
  if (member.bits) return bytesOfBits([member]);
  return moved(locationAt(member.type, offset - member.at), member.at);
}

function inStruct(members: readonly Member[], offset: number): Extent | undefined {
  const fields = bitFieldsAt(members, offset);
  if (fields.length > 0) return bytesOfBits(fields);
  const member = members.find(({ at, type, bits }) =>
    !bits && offset >= at && offset < at + type.bytes);
  if (member) return inMember(member, offset);
  // "type name[];" goes on behind the struct.
  const last = members.at(-1);
  return last && isOpen(last.type) && offset >= last.at ? inMember(last, offset) : undefined;
}
