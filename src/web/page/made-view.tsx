// What the results beside it were made with, and that the form asks for something else, if it does.
export function MadeView({ made, form }: { made: string; form: string }) {
  return (
    <p data-made>
      made with: {made}.
      {made !== form && (
        <b> The form asks for something else now: these are not its results.</b>
      )}
    </p>
  );
}
