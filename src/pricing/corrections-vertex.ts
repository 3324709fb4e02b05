/** Models in one region of Vertex AI, or in several: 10% more than at the global endpoint. */
import { claude, type Correction, longContext, one, tokens } from "./correction.ts";

const VERTEX = "https://cloud.google.com/vertex-ai/generative-ai/pricing#claude-models";
const VERTEX_GEMINI = "https://cloud.google.com/vertex-ai/generative-ai/pricing#gemini-models";

export const IN_ONE_REGION: readonly Correction[] = [
  ...(
    [
      ["claude-haiku-4-5", 1.1, 5.5],
      ["claude-sonnet-4-6", 3.3, 16.5],
      ["claude-sonnet-5", 2.2, 11],
      ["claude-opus-4-5", 5.5, 27.5],
      ["claude-opus-4-6", 5.5, 27.5],
      ["claude-opus-4-7", 5.5, 27.5],
      ["claude-opus-4-8", 5.5, 27.5],
      ["claude-opus-5", 5.5, 27.5],
      ["claude-opus-5-5", 4.4, 22, 0.22],
      ["claude-fable-5", 11, 55],
      ["claude-fable-5-1", 11, 55, 0.275],
    ] as const
  ).map(([id, input, output, cache_read]) =>
    one("google", `regional/${id}`, { ...claude(input, output), ...(cache_read && { cache_read }) }, VERTEX),
  ),
  one("google", "regional/claude-sonnet-4-5", longContext(claude(3.3, 16.5)), VERTEX),
  one("google", "regional/gemini-3.5-flash", tokens(1.65, 0.165, 9.9), VERTEX_GEMINI),
  one("google", "regional/gemini-3.5-flash-lite", tokens(0.33, 0.033, 2.75), VERTEX_GEMINI),
  ...["gemini-3.6-flash", "gemini-3.7-flash", "gemini-3.8-flash"].map((id): Correction => ({
    provider: "google",
    id: `regional/${id}`,
    names: [`regional/${id}`],
    periods: [{ usd: tokens(0.825, 0.0825, 4.125) }, { from: "2027-01-01", usd: tokens(1.65, 0.165, 8.25) }],
    source: VERTEX_GEMINI,
  })),
];
