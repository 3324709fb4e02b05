/** What went wrong, in a clear sentence with a way on. */
export interface Problem {
  /** 0: no answer. */
  status: number;
  code: string;
  sentence: string;
  requestId?: string;
  /** What was there before is still shown, and the shell tells the problem. */
  isTold?: true;
  /** From when on data is kept, if older data was asked for. */
  since?: string;
}

/** What the API answers with. */
export interface ApiProblem {
  status?: number;
  code?: string;
  detail?: string;
  parameter?: string | null;
  since?: string;
  request_id?: string;
}

export const OFFLINE: Problem = {
  status: 0,
  code: "offline",
  sentence: "The ledger cannot be reached. What you see is from before; it is asked again by itself.",
};

export const SLOW: Problem = {
  status: 0,
  code: "slow",
  sentence: "The ledger has not answered for a minute. It is asked again by itself; a shorter range is faster.",
};

export function problemOf(status: number, body: unknown): Problem {
  const said: ApiProblem = typeof body === "object" && body !== null ? body : {};
  return {
    status,
    code: said.code ?? "unknown",
    sentence: sentenceOf(status, said),
    ...(said.request_id !== undefined && { requestId: said.request_id }),
    ...(said.since !== undefined && { since: said.since }),
  };
}

function sentenceOf(status: number, { code, detail, parameter, since }: ApiProblem): string {
  const reason = detail === undefined ? "" : ` (${detail})`;
  if (status === 401) return "Your session has ended. Sign in again; this view stays as it is.";
  if (status === 403) return `Your key may not see this${reason}. Sign in with a key that has the scope.`;
  if (status === 404) return "This is not there, or it belongs to another project.";
  if (code === "too_many_rows" || code === "answer_too_large") {
    return "The answer would be too large. Ask for fewer groups, a shorter range or a longer interval.";
  }
  if (status === 422 && since !== undefined) {
    return `Older data has been deleted: it is kept from ${since} on. Choose a later start, or whole UTC days.`;
  }
  if (status === 400 && parameter) return `The address has a wrong ${parameter}${reason}. Change it, or start anew.`;
  if (status === 429) return "The key has asked too often. It is asked again in a moment.";
  if (status === 503) return "The database does not answer right now. It is asked again by itself; nothing is lost.";
  if (status >= 500) return "Something went wrong in the ledger. Try again; its log has the details.";
  return detail === undefined ? "The ledger refused this question." : `The ledger refused this: ${detail}.`;
}

/** Does it go away by itself? */
export function isPassing({ status }: Problem): boolean {
  return status === 0 || status === 429 || status >= 500;
}
