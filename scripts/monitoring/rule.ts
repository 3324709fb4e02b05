/** Rules as Prometheus reads them. */
export interface Recording {
  record: string;
  expr: string;
  labels?: Record<string, string>;
}

export interface Alert {
  alert: string;
  expr: string;
  /** How long it must hold before it is told. */
  for?: string;
  labels: { severity: Severity } & Record<string, string>;
  annotations: { summary: string; description: string };
}

/** Critical needs somebody now, a warning in working hours. */
export type Severity = "critical" | "warning";

export interface Group {
  name: string;
  rules: (Recording | Alert)[];
}
