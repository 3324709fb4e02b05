/** The machines below, by the names of node_exporter. */
import type { Row } from "./dashboard.ts";
import { graph } from "./declare.ts";
import { cpuShare, diskUsedShare, memoryUsed } from "./expressions.ts";
import { IN_DASHBOARDS } from "./selectors.ts";
import * as bounds from "./thresholds.ts";

const { node, window } = IN_DASHBOARDS;

/** Of the dev stack's machine, and of every other that node_exporter watches. */
export const nodes: Row = {
  title: "Nodes",
  panels: [
    graph("CPU", "percentunit", [[cpuShare(IN_DASHBOARDS), "{{instance}}"]], { bounds: bounds.CPU_SHARE }),
    graph("Memory in use", "decbytes", [[memoryUsed(IN_DASHBOARDS), "{{instance}}"]], { bounds: bounds.MEMORY_BYTES }),
    graph("Disk in use", "percentunit", [[diskUsedShare(IN_DASHBOARDS), "{{instance}} {{mountpoint}}"]], {
      bounds: bounds.DISK_SHARE,
    }),
    graph("Disk reads and writes", "Bps", [
      [`sum by (job, instance) (rate(node_disk_read_bytes_total{${node}}[${window}]))`, "{{instance}} read"],
      [`sum by (job, instance) (rate(node_disk_written_bytes_total{${node}}[${window}]))`, "{{instance}} written"],
    ]),
    graph("Network", "Bps", [
      [`sum by (job, instance) (rate(node_network_receive_bytes_total{${node}}[${window}]))`, "{{instance}} in"],
      [`sum by (job, instance) (rate(node_network_transmit_bytes_total{${node}}[${window}]))`, "{{instance}} out"],
    ]),
    graph("Load of 1 minute, and cores", "short", [
      [`node_load1{${node}}`, "{{instance}}"],
      [`count by (job, instance) (node_cpu_seconds_total{${node},mode="idle"})`, "{{instance}} cores"],
    ]),
  ],
};
