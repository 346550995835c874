// Compression by what Node and browsers both have.

type Bytes = Uint8Array<ArrayBuffer>;

async function through(bytes: Bytes, stream: GenericTransform, bytesMax: number): Promise<Bytes> {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    total += value.length;
    if (total > bytesMax) {
      await reader.cancel();
      throw new RangeError(`more than ${bytesMax} bytes`);
    }
    parts.push(value);
  }
  const out = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

interface GenericTransform {
  readable: ReadableStream<Uint8Array>;
  writable: WritableStream<BufferSource>;
}

export function deflate(bytes: Bytes): Promise<Bytes> {
  return through(bytes, new CompressionStream("deflate"), Infinity);
}

/** Throws when the data is damaged or gives more than `bytesMax` bytes. */
export function inflate(bytes: Bytes, bytesMax: number): Promise<Bytes> {
  return through(bytes, new DecompressionStream("deflate"), bytesMax);
}
