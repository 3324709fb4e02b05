/**
 * What V8 recorded, with the names and places of the sources, and added up by function. A profile of the CPU has
 * samples, one of the heap a tree of what was allocated.
 */
import { type SourceMap } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export interface CallFrame {
  functionName: string;
  url: string;
  /** From 0. */
  lineNumber: number;
  columnNumber: number;
}

export interface CpuProfile {
  nodes: { id: number; callFrame: CallFrame; hitCount?: number; children?: number[] }[];
  samples: number[];
  /** In µs, each before its sample. */
  timeDeltas: number[];
  startTime: number;
  endTime: number;
}

export interface HeapProfile {
  head: HeapNode;
}

export interface HeapNode {
  callFrame: CallFrame;
  selfSize: number;
  children: HeapNode[];
}

export interface Top {
  name: string;
  /** `src/ingest/decode/native.ts:12`; empty for what is V8's own. */
  where: string;
  /** In µs or bytes. */
  self: number;
}

/** Time in which the isolate had nothing to do. */
const IDLE = "(idle)";

/** Where a frame is in the sources, from the checkout's folder; null for what is V8's own. */
export function placeOf(frame: CallFrame, map: SourceMap): { source: string; line: number; column: number } | null {
  if (frame.lineNumber < 0) return null;
  const entry = map.findEntry(frame.lineNumber, frame.columnNumber);
  if (!("originalSource" in entry)) return null;
  return { source: entry.originalSource, line: entry.originalLine, column: entry.originalColumn };
}

/** Names the sources in the frames, so that viewers open them. */
export function inSources(frame: CallFrame, map: SourceMap, folder: string): CallFrame {
  const place = placeOf(frame, map);
  if (place === null) return frame;
  const url = pathToFileURL(join(folder, place.source)).href;
  return { ...frame, url, lineNumber: place.line, columnNumber: place.column };
}

/** The most expensive first. */
export function topOfCpu(profile: CpuProfile, map: SourceMap): Top[] {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const self: [CallFrame, number][] = profile.samples.map((id, i) => [frames.get(id)!, profile.timeDeltas[i] ?? 0]);
  return addedUp(self, map).filter(({ name }) => name !== IDLE);
}

export function topOfHeap({ head }: HeapProfile, map: SourceMap): Top[] {
  const self: [CallFrame, number][] = [];
  const nodes = [head];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    self.push([node.callFrame, node.selfSize]);
    nodes.push(...node.children);
  }
  return addedUp(self, map);
}

function addedUp(self: readonly [CallFrame, number][], map: SourceMap): Top[] {
  const byFrame = Map.groupBy(self, ([{ functionName, url, lineNumber, columnNumber }]) =>
    [functionName, url, lineNumber, columnNumber].join("\n"),
  );
  return [...byFrame.values()]
    .map((members): Top => {
      const [frame] = members[0]!;
      const place = placeOf(frame, map);
      return {
        name: frame.functionName || "(anonymous)",
        where: place === null ? "" : `${place.source}:${place.line + 1}`,
        self: members.reduce((sum, [, own]) => sum + own, 0),
      };
    })
    .filter(({ self }) => self > 0)
    .sort((a, b) => b.self - a.self);
}

/** @param shown formats `self`. */
export function table(all: readonly Top[], count: number, shown: (self: number) => string): string {
  const total = all.reduce((sum, { self }) => sum + self, 0);
  const rows = all.slice(0, count);
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  return rows
    .map(({ name, where, self }) => {
      const share = `${((self / total) * 100).toFixed(1)}%`.padStart(6);
      return `  ${shown(self).padStart(10)} ${share}  ${name.padEnd(width)}  ${where}`.trimEnd();
    })
    .join("\n");
}
