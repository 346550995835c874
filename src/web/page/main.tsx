// The page: the same binary on two machines, side by side, in this browser.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { App } from "./app.tsx";
import { isolate } from "./isolate.ts";
import { ignored } from "./link-view.tsx";
import { askedOf, hashOf, ignoredOf, type Asked } from "./state.ts";

function Page() {
  const [asked, setAsked] = useState(askedOf(location.hash));
  // Of links that were followed: a change made here leads nowhere.
  const [visit, setVisit] = useState(0);
  useEffect(() => {
    const follow = () => {
      setAsked(askedOf(location.hash));
      ignored.value = ignoredOf(location.hash);
      setVisit((count) => count + 1);
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const change = (next: Asked) => {
    setAsked(next);
    history.replaceState(null, "", hashOf(next) || location.pathname);
  };
  return <App asked={asked} visit={visit} change={change} />;
}

const root = document.getElementById("page")!;
root.replaceChildren();
ignored.value = ignoredOf(location.hash);
render(<Page />, root);
// A page without it is shown all the same.
isolate().catch(() => undefined);
