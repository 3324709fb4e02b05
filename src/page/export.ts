/** What is seen, as a download: the questions of a summary and of a list of calls, as `/v1/export` takes them. */
export type Question = Readonly<Record<string, unknown>>;
export type ExportedPath = "/v1/summary" | "/v1/traces";

export const FORMATS = { csv: "CSV", ndjson: "NDJSON", focus: "FOCUS" } as const;
export type Format = keyof typeof FORMATS;

interface Export {
  query: Question;
  /** What the download does not have, or has otherwise, each in a sentence. */
  differences: string[];
}

const COMPARED = ["compare", "compare_from", "compare_to"];

/** Null: the format has no such lines. */
export function exportOf(path: ExportedPath, asked: Question, format: Format): Export | null {
  const { limit, order, cursor, ...rest } = asked;
  if (path === "/v1/traces") {
    if (format === "focus") return null;
    const isPage = limit !== undefined || cursor !== undefined;
    return {
      query: { type: "traces", format, ...rest },
      differences: isPage ? ["A download has all calls of the range, the oldest first."] : [],
    };
  }
  const differences: string[] = [];
  if (limit !== undefined) differences.push("A download has every group, in place of the largest and (other).");
  if (order !== undefined) differences.push("Its rows come by interval and by group.");
  const isCompared = COMPARED.some((name) => rest[name] !== undefined);
  if (isCompared) differences.push("It leaves out the period that is compared with. Its rows have no columns for it.");
  const query = Object.fromEntries(Object.entries(rest).filter(([name]) => !COMPARED.includes(name)));
  if (format !== "focus" && Array.isArray(rest["include"]) && rest["include"].includes("rates"))
    differences.push("It has the rates of each row, and not those of the whole.");
  if (format !== "focus") return { query: { type: "summary", format, ...query }, differences };
  return { query: { type: "summary", format, ...forFocus(query, differences) }, differences };
}

/** FOCUS has charges of a day or an hour, each of one provider and model. */
function forFocus({ include, interval, ...query }: Question, differences: string[]): Question {
  if (Array.isArray(include) && include.length > 0)
    differences.push(`FOCUS leaves out ${include.join(" and ")}. It has no columns for them.`);
  if (interval !== "day" && interval !== "hour") differences.push("FOCUS has a line for each day.");
  const groups: unknown[] = Array.isArray(query["group_by"]) ? query["group_by"] : [];
  const missing = ["provider", "model"].filter((key) => !groups.includes(key));
  if (missing.length > 0) differences.push(`FOCUS also has lines by ${missing.join(" and ")}.`);
  return { ...query, group_by: [...groups, ...missing], interval: interval === "hour" ? interval : "day" };
}
