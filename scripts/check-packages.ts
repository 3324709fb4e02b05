/** `npm run check`: are all packages exact, known by their content, and of a licence that may be used? */
import { wrongPackagesOf } from "./packages.ts";

const wrong = wrongPackagesOf(".");
for (const sentence of wrong) console.error(sentence);
process.exitCode = wrong.length > 0 ? 1 : 0;
