import { describe, expect, it } from "vitest";
import { type Command, fitting, idCommands, offered, viewCommands } from "../../src/page/palette/commands.ts";

const titles = { overview: "Overview", calls: "Calls", call: "Call", prices: "Prices" };
const commands = viewCommands(titles);
const names = (list: readonly Command[]): string[] => list.map(({ name }) => name);
const UUID = "019ad1e2-aaaa-7bbb-8ccc-123456789abc";

describe("commands of the palette", () => {
  it("are the views that the session sees, and questions to them", () => {
    expect(names(commands)).toEqual(expect.arrayContaining(["Overview", "Calls", "Prices", "Calls of today"]));
    expect(names(commands)).not.toContain("Call");
    expect(names(commands).join()).not.toContain("Why");
    expect(new Set(commands.map(({ id }) => id)).size).toBe(commands.length);
  });

  it("fit by every word, and by the beginning of the name first", () => {
    expect(names(fitting(commands, "today calls"))).toEqual(["Calls of today"]);
    expect(names(fitting(commands, "PRI"))[0]).toBe("Prices");
    const ours = { id: "saved", name: "<b>Ours</b>", kind: "Saved view", to: "/prices" };
    expect(names(fitting([...commands, ours], "ours")).slice(0, 2)).toEqual([
      ours.name,
      expect.stringContaining("hours"),
    ]);
    expect(fitting(commands, "nowhere")).toEqual([]);
    expect(fitting(commands, "")).toHaveLength(commands.length);
  });

  it("open what was pasted", () => {
    expect(offered(commands, ` ${UUID.toUpperCase()} `, 50)[0]).toMatchObject({ to: `/calls/${UUID}` });
    const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    expect(offered(commands, trace, 50)[0]).toMatchObject({ to: `/calls?trace_id=${trace}` });
    expect(idCommands("user/42?").map(({ to }) => to)).toContain("/sessions/user%2F42%3F");
    expect(idCommands("two words")).toEqual([]);
    expect(offered(commands, "prices", 2)[0]).toMatchObject({ to: "/prices" });
  });
});
