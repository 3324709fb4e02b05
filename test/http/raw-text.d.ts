/** Fixtures as text, where there are no files to read: inside workerd. */
declare module "*?raw" {
  const text: string;
  export default text;
}
