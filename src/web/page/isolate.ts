// Shared memory on a host that sends no headers: a service worker adds them, from the next load of
// the page on. Once; where that does not help, machines run on one thread (engine/slices.ts).
const TRIED = "smpbox-isolation-tried";

export async function isolate(): Promise<void> {
  if (crossOriginIsolated) return sessionStorage.removeItem(TRIED);
  if (!("serviceWorker" in navigator) || sessionStorage.getItem(TRIED)) return;
  sessionStorage.setItem(TRIED, "yes");
  await navigator.serviceWorker.register("./headers.js");
  await navigator.serviceWorker.ready;
  location.reload();
}
