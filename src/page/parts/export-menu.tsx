/** What is seen, to take along: as a download, and as the question to the API. */
import { useState } from "preact/hooks";
import { curlOf } from "../curl.ts";
import { type ExportedPath, exportOf, type Format, FORMATS, type Question } from "../export.ts";
import { ledger, read, Refused } from "../ledger.ts";
import { queryString } from "../query-string.ts";
import { signedIn } from "../session.ts";
import { CopyButton } from "./copy-button.tsx";
import { Menu } from "./menu.tsx";

interface ExportMenuProps {
  /** The question whose answer is seen. */
  path: ExportedPath;
  query: Question;
}

export function ExportMenu({ path, query }: ExportMenuProps) {
  const call = curlOf(`${location.origin}${path}?${queryString(query)}`);
  return (
    <Menu label="Export" title="Export">
      {() => (
        <>
          <ul class="control-exports">
            {(Object.keys(FORMATS) as Format[]).map((format) => (
              <Download key={format} path={path} query={query} format={format} />
            ))}
          </ul>
          <div>
            <label>
              The same by the API, with a key in <code>LLM_COST_API_KEY</code>
              <textarea class="control-call" readOnly rows={4} value={call} onFocus={(e) => e.currentTarget.select()} />
            </label>
            <CopyButton text={call}>Copy as API call</CopyButton>
          </div>
        </>
      )}
    </Menu>
  );
}

function Download({ path, query, format }: ExportMenuProps & { format: Format }) {
  const now = signedIn.get();
  const asked = exportOf(path, query, format);
  if (asked === null) return null;
  const name = `Download ${FORMATS[format]}`;
  return (
    <li>
      {now.state === "in" && now.session.is_admin_key ? (
        <Fetched name={name} query={asked.query} />
      ) : (
        <a href={`/v1/export?${queryString(asked.query)}`} download data-first={format === "csv" || undefined}>
          {name}
        </a>
      )}
      {asked.differences.map((sentence) => (
        <small key={sentence} class="muted">
          {sentence}
        </small>
      ))}
    </li>
  );
}

/** A session of the admin key says its project in a header, which no link can. */
function Fetched({ name, query }: { name: string; query: Question }) {
  const [isBusy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const fetchIt = async (): Promise<void> => {
    setBusy(true);
    setWrong(null);
    try {
      let file = "export";
      const asked = ledger.GET("/v1/export", { params: { query }, parseAs: "blob" }).then((answer) => {
        file = /filename="([^"]+)"/.exec(answer.response.headers.get("content-disposition") ?? "")?.[1] ?? file;
        return answer;
      });
      save((await read(asked)) as Blob, file);
    } catch (error) {
      setWrong(
        error instanceof Refused && error.problem.status !== 0
          ? error.problem.sentence
          : "The download broke off. Nothing was saved.",
      );
    }
    setBusy(false);
  };
  return (
    <>
      <button type="button" disabled={isBusy} onClick={() => void fetchIt()}>
        {isBusy ? "Downloading …" : name}
      </button>
      <p class="control-wrong" role="alert">
        {wrong}
      </p>
    </>
  );
}

function save(blob: Blob, file: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = file;
  link.click();
  // The browser has it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
