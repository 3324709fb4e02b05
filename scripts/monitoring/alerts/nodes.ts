/** Whether the machines below are well, by the names of node_exporter. */
import { cpuShare, diskUsedShare, memoryUsed } from "../expressions.ts";
import { IN_RULES } from "../selectors.ts";
import * as bounds from "../thresholds.ts";
import { type Declared, over } from "./declared.ts";

export const NODES: Declared[] = [
  {
    alert: "NodeCpuBusy",
    expr: over(cpuShare(IN_RULES)),
    bounds: bounds.CPU_SHARE,
    for: "10m",
    summary: "The CPU of {{ $labels.instance }} is busy",
    description: "It is used to {{ $value | humanizePercentage }}.",
  },
  {
    alert: "NodeMemoryUsed",
    expr: over(memoryUsed(IN_RULES)),
    bounds: bounds.MEMORY_BYTES,
    for: "10m",
    summary: "{{ $labels.instance }} uses much memory",
    description: "It uses {{ $value | humanize1024 }}B.",
  },
  {
    alert: "NodeDiskFull",
    expr: over(diskUsedShare(IN_RULES)),
    bounds: bounds.DISK_SHARE,
    for: "10m",
    summary: "A disk of {{ $labels.instance }} is almost full",
    description: "{{ $labels.mountpoint }} is used to {{ $value | humanizePercentage }}.",
  },
];
