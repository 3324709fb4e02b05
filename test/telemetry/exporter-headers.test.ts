/** The variables of OpenTelemetry, as the Worker's configuration reads them. */
import { describe, expect, inject, it } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { parseExporterHeaders } from "../../src/telemetry/exporter-headers.ts";

const of = (env: Record<string, string>) => parseConfig({ ...inject("bindings"), ...env });
const ENDPOINT = "http://collector:4318";

describe("headers", () => {
  it.each([
    ["", {}],
    ["a=1", { a: "1" }],
    [" a = 1 ,b=2,", { a: "1", b: "2" }],
    ["authorization=Bearer%20x%3D", { authorization: "Bearer x=" }],
    ["api-key=x==", { "api-key": "x==" }],
    ["a=", { a: "" }],
  ])("of %o are %o", (text, headers) => {
    expect(parseExporterHeaders(text)).toEqual(headers);
  });

  it.each(["a", "=1", "a b=1", "a=%", "a=%0d%0ab: c", "a=é", "a:1"])("of %o are malformed", (text) => {
    expect(parseExporterHeaders(text)).toBeNull();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: text };
    expect(() => of(env)).toThrow(
      "missing or malformed configuration: OTEL_EXPORTER_OTLP_HEADERS (must be name=value,name=value)",
    );
  });
});

describe("the endpoint", () => {
  it.each([undefined, ""])("%o sends nothing", (endpoint) => {
    expect(of(endpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }).traces).toBeNull();
  });

  it.each([
    [ENDPOINT, `${ENDPOINT}/v1/traces`],
    [`${ENDPOINT}/`, `${ENDPOINT}/v1/traces`],
    [`${ENDPOINT}/tenant/`, `${ENDPOINT}/tenant/v1/traces`],
  ])("%s is that of all signals", (endpoint, url) => {
    expect(of({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }).traces).toEqual({
      url,
      headers: {},
      serviceName: "llm-cost-tracker",
      rate: 0.01,
    });
  });

  it("that is no URL, a rate beyond 1 and an unknown log level are refused by name", () => {
    const wrong = { OTEL_EXPORTER_OTLP_ENDPOINT: "nowhere", OTEL_TRACES_SAMPLER_ARG: "1.1", LOG_LEVEL: "loud" };
    for (const [name, value] of Object.entries(wrong))
      expect(() => of({ [name]: value })).toThrow(`missing or malformed configuration: ${name}`);
  });
});
