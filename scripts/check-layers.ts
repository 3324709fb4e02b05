/** `npm run check`: do all imports go from a layer to one above it? */
import { wrongImports } from "./layers.ts";

const wrong = wrongImports(".");
for (const sentence of wrong) console.error(sentence);
process.exitCode = wrong.length > 0 ? 1 : 0;
