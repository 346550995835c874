// Reads a Perfetto trace back: a small protobuf reader of its own, and the rules by which a viewer
// makes slices of events. It shares nothing with the writer.
export type Fields = Map<number, Array<bigint | Uint8Array>>;

/** The fields of one message; throws where the bytes make none. */
export function decode(bytes: Uint8Array): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): bigint => {
    let low = 0;
    let value = 0n;
    for (let shift = 0; ; shift += 7) {
      if (at >= bytes.length || shift > 63) throw new Error(`no varint at ${at}`);
      const byte = bytes[at++];
      // Most are short.
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else value |= BigInt(byte & 0x7f) << BigInt(shift);
      if (byte < 0x80) return value | BigInt(low);
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const values = fields.get(tag >> 3) ?? [];
    fields.set(tag >> 3, values);
    if ((tag & 7) === 0) {
      values.push(varint());
    } else if ((tag & 7) === 2) {
      const length = Number(varint());
      if (at + length > bytes.length) throw new Error(`field ${tag >> 3} is too long`);
      values.push(bytes.subarray(at, at + length));
      at += length;
    } else {
      throw new Error(`wire type ${tag & 7}`);
    }
  }
  return fields;
}

const one = (fields: Fields, number: number) => fields.get(number)?.[0];
const numberIn = (fields: Fields, field: number) => one(fields, field) as bigint | undefined;
const textIn = (fields: Fields, field: number) => {
  const bytes = one(fields, field) as Uint8Array | undefined;
  return bytes && new TextDecoder().decode(bytes);
};

export interface Slice {
  /** Names of the tracks from the box down, with " > " between. */
  path: string;
  name: string;
  begin: bigint;
  /** The same as begin for an instant. */
  end: bigint;
  instant: boolean;
  depth: number;
  details: Record<string, string | bigint>;
}

/** Slices and instants; throws if a track is unknown or a slice is not closed. */
export function readPerfetto(file: Uint8Array): Slice[] {
  const paths = new Map<bigint, string>();
  const open = new Map<bigint, Slice[]>();
  const slices: Slice[] = [];
  let last = 0n;
  for (const packet of decode(file).get(1) ?? []) {
    const fields = decode(packet as Uint8Array);
    const track = one(fields, 60);
    if (track instanceof Uint8Array) {
      const descriptor = decode(track);
      const parent = numberIn(descriptor, 5);
      if (parent !== undefined && !paths.has(parent)) throw new Error(`no parent ${parent}`);
      const above = parent === undefined ? "" : `${paths.get(parent)} > `;
      paths.set(numberIn(descriptor, 1)!, above + textIn(descriptor, 2));
      continue;
    }
    const time = numberIn(fields, 8)!;
    if (time < last) throw new Error(`${time} after ${last}`);
    last = time;
    const event = decode(one(fields, 11) as Uint8Array);
    const id = numberIn(event, 11)!;
    const path = paths.get(id);
    if (path === undefined) throw new Error(`no track ${id}`);
    const stack = open.get(id) ?? [];
    open.set(id, stack);
    const type = numberIn(event, 9);
    if (type === 2n) {
      const slice = stack.pop();
      if (!slice) throw new Error(`an end without a beginning on ${path}`);
      slice.end = time;
      continue;
    }
    const details: Slice["details"] = {};
    for (const bytes of event.get(4) ?? []) {
      const annotation = decode(bytes as Uint8Array);
      details[textIn(annotation, 10)!] = numberIn(annotation, 3) ?? textIn(annotation, 6)!;
    }
    const slice: Slice = {
      path, name: textIn(event, 23)!, begin: time, end: time, instant: type === 3n,
      depth: stack.length, details,
    };
    slices.push(slice);
    if (type === 1n) stack.push(slice);
  }
  for (const [id, stack] of open) if (stack.length) throw new Error(`open on ${paths.get(id)}`);
  return slices;
}
