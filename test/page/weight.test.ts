/** What `/` and its views load stays small. The page is built before the tests. */
import { expect, it } from "vitest";
import { weighPage } from "../../scripts/page/build.ts";

const MOST_BYTES = 120_000;

it(`all files of the page and its views have less than ${MOST_BYTES} bytes, gzip`, async () => {
  const sizes = await weighPage();
  const names = [...sizes.keys()];
  for (const part of [/^index\.html$/, /\.css$/, /^overview-.*\.js$/, /^views-.*\.js$/])
    expect(names.some((name) => part.test(name))).toBe(true);
  expect(names.filter((name) => name.startsWith("docs"))).toEqual([]);
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  console.log(`the page: ${(total / 1_000).toFixed(1)} kB gzip in ${names.length} files`);
  expect(total).toBeLessThan(MOST_BYTES);
});
