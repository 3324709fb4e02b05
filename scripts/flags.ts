/**
 * Command lines. A flag is declared once: its name, what it may be, its default and its environment variable; parsing,
 * error sentences and `--help` all come from that declaration.
 */
import {
  type Command,
  CommanderError,
  InvalidArgumentError,
  Option,
  type OptionValues,
} from "@commander-js/extra-typings";
import { CommandError, HelpAsked } from "./command.ts";

/** What a value may be. */
export interface Kind<T> {
  /** For `--help`, and after "It must be" when it is something else. */
  said: string;
  /** Undefined: the text is something else. */
  read(text: string): T | undefined;
}

export function flag<const Usage extends string, T>(usage: Usage, kind: Kind<T>, description: string) {
  return new Option(usage, `${description} (${kind.said})`).argParser((text): T => readAs(kind, text));
}

/** A flag that may be given several times. */
export function repeatable<const Usage extends string, T>(usage: Usage, kind: Kind<T>, description: string) {
  return new Option(usage, `${description} (${kind.said}; repeatable)`).argParser((text, earlier?: T[]): T[] => [
    ...(earlier ?? []),
    readAs(kind, text),
  ]);
}

function readAs<T>({ said, read }: Kind<T>, text: string): T {
  const value = read(text);
  if (value === undefined) throw new InvalidArgumentError(`It must be ${said}.`);
  return value;
}

const HELP_WIDTH = 110;

/**
 * @throws HelpAsked
 * @throws CommandError that names the flag which is wrong.
 */
export function parseFlags<Args extends unknown[], Flags extends OptionValues>(
  command: Command<Args, Flags>,
  args: readonly string[],
): { args: Args; flags: Flags } {
  let help = "";
  command.exitOverride().configureOutput({
    writeOut: (text) => (help += text),
    writeErr: () => {},
    getOutHelpWidth: () => HELP_WIDTH,
  });
  try {
    command.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) throw new HelpAsked(help.trimEnd());
    const sentence = error.message.replace(/^error: ./, (start) => start.slice(-1).toUpperCase()).replace(/\.?$/, ".");
    throw new CommandError(`${sentence} See --help.`);
  }
  return { args: command.processedArgs, flags: command.opts() };
}

export function wholeNumber(least: number, most: number): Kind<number> {
  return {
    said: `a whole number from ${least} to ${most}`,
    read: (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= least && value <= most ? value : undefined;
    },
  };
}

const SUFFIXES: Record<string, number> = { "": 1, k: 1e3, m: 1e6, b: 1e9 };

/** 1000000 as 1M. */
function short(n: number): string {
  const [divisor, suffix] = (
    [
      [1e9, "B"],
      [1e6, "M"],
      [1e3, "k"],
    ] as const
  ).find(([least]) => n >= least) ?? [1, ""];
  return `${n / divisor}${suffix}`;
}

/** A number that may end in k, M or B. */
export function amount(most: number): Kind<number> {
  return {
    said: `a number above 0, such as 0.5, 250 or 10k, up to ${short(most)}`,
    read: (text) => {
      const [, digits, suffix = ""] = /^(\d+(?:\.\d+)?)([kmb]?)$/i.exec(text) ?? [];
      const value = Number(digits) * SUFFIXES[suffix.toLowerCase()]!;
      return value > 0 && value <= most ? value : undefined;
    },
  };
}

/** In seconds. */
export function duration(mostSeconds: number): Kind<number> {
  return {
    said: `a time such as 90s or 5m, at most ${mostSeconds} s`,
    read: (text) => {
      const [, digits = "0", unit] = /^(\d{1,5})(s|m)?$/.exec(text) ?? [];
      const seconds = Number(digits) * (unit === "m" ? 60 : 1);
      return seconds >= 1 && seconds <= mostSeconds ? seconds : undefined;
    },
  };
}

/** Its first instant, in UTC. */
export const day: Kind<number> = {
  said: "a day such as 2026-03-31, in UTC",
  read: (text) => {
    const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
    return Number.isNaN(ms) ? undefined : ms;
  },
};

export const httpUrl: Kind<string> = {
  said: "an http(s) URL",
  read: (text) => (["http:", "https:"].includes(URL.parse(text)?.protocol ?? "") ? text : undefined),
};

export const postgresUrl: Kind<string> = {
  said: "a postgres:// URL",
  read: (text) => (/^postgres(?:ql)?:$/.test(URL.parse(text)?.protocol ?? "") ? text : undefined),
};

export const projectId: Kind<string> = {
  said: "the id of a project",
  read: (text) => (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text : undefined),
};
