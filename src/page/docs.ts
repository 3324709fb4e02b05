/**
 * `/docs`: the API's description to read and to try, by Swagger UI, and the settings of each coding agent. It asks only
 * this server.
 */
import SwaggerUi from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import { agentsInMarkdown } from "./first-run/agents.ts";

const AGENTS = `

## Coding agents

These are the settings with which coding agents send their own telemetry. \`URL\` is the ledger's address, and \`KEY\` an
API key with the scope \`ingest\`. Logs, spans, metrics and imported files of one call count once.
\`OTEL_RESOURCE_ATTRIBUTES=team=search\` adds a tag to each call.

${agentsInMarkdown()}`;

/** The first answer is the description itself; all others are of requests that somebody tries. */
let isShown = false;

SwaggerUi({
  url: "/openapi.json",
  dom_id: "#docs",
  responseInterceptor(response: { ok: boolean; text: string }) {
    if (isShown || !response.ok) return response;
    isShown = true;
    const described = JSON.parse(response.text) as { info: { description: string } };
    described.info.description += AGENTS;
    response.text = JSON.stringify(described);
    return response;
  },
  deepLinking: true,
  docExpansion: "list",
  tryItOutEnabled: false,
  // Otherwise its validator at another host would be asked.
  validatorUrl: null,
  persistAuthorization: false,
});
