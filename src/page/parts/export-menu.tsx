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
  const exports = (Object.keys(FORMATS) as Format[]).flatMap((format) => {
    const asked = exportOf(path, query, format);
    return asked === null ? [] : [{ format, ...asked }];
  });
  return (
    <Menu label="Export" title="Export">
      {() => (
        <>
          <ul class="control-exports">
            {exports.map(({ format, query }) => (
              <li key={format}>
                <Download format={format} query={query} />
              </li>
            ))}
          </ul>
          <Notes notes={[...new Set(exports.flatMap(({ differences }) => differences))]} />
          <div>
            <label>
              What you see, by the API: the key is taken from <code>LLM_COST_API_KEY</code>
              <textarea readOnly rows={4} value={call} onFocus={(event) => event.currentTarget.select()} />
            </label>
            <CopyButton text={call}>Copy as API call</CopyButton>
          </div>
        </>
      )}
    </Menu>
  );
}

function Notes({ notes }: { notes: readonly string[] }) {
  if (notes.length === 0) return null;
  return (
    <ul class="control-notes" aria-label="How a download differs from what you see">
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  );
}

function Download({ format, query }: { format: Format; query: Question }) {
  const now = signedIn.get();
  const name = `Download ${FORMATS[format]}`;
  if (now.state === "in" && now.session.is_admin_key) return <Fetched name={name} query={query} />;
  return (
    <a href={`/v1/export?${queryString(query)}`} download data-first={format === "csv" || undefined}>
      {name}
    </a>
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
