// Files that the bundler puts into the page as text.
declare module "*?raw" {
  const text: string;
  export default text;
}
