// How far the runs are that are going; drawn by itself, many times a second.
import type { Signal } from "@preact/signals";
import { type Going, goingText } from "./going.ts";

export function GoingView({ going }: { going: Signal<Going> }) {
  const text = goingText(going.value);
  return text ? <p class="soft" data-going>{text}</p> : null;
}
