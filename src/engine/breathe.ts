// Long work in one thread lets others have it now and then: a signal, a page.
const EVERY_MS = 50;

let last = 0;

export async function breathe(): Promise<void> {
  const now = performance.now();
  if (now - last < EVERY_MS) return;
  last = now;
  await new Promise((resolve) => setTimeout(resolve));
}
