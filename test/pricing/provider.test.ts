import { describe, expect, it } from "vitest";
import { embeddedCatalogue } from "../../src/pricing/catalogue.ts";
import { canonicalProvider } from "../../src/pricing/provider.ts";

describe("canonicalProvider", () => {
  it.each([
    ["openai", "openai OpenAI openai.chat openai.responses openai.image text-completion-openai"],
    ["anthropic", "anthropic Anthropic anthropic.messages"],
    [
      "google",
      `google google.generative-ai google.vertex google.vertex.chat gcp.gemini gcp.gen_ai gcp.vertex_ai vertex_ai VertexAI
      vertex_ai_beta vertex.anthropic vertex.anthropic.messages google.vertex.anthropic.messages google_anthropic_vertex
      google-gla google-genai google_genai google_vertexai gemini google-ai-studio`,
    ],
    [
      "azure",
      `azure azure.ai.openai az.ai.openai azure_openai azure-openai.chat azure.ai.inference az.ai.inference azure_ai
      azure_text`,
    ],
    ["aws", `aws aws.bedrock bedrock bedrock_converse aws_bedrock amazon-bedrock amazon_bedrock AWS Bedrock`],
    ["x-ai", "x-ai x_ai xai xAI xai.chat"],
    ["mistral", "mistral mistral_ai mistralai mistral.chat MistralAI"],
    ["cohere", "cohere cohere_chat cohere.reranking"],
    ["together", "together together_ai togetherai together-ai togetherai.chat"],
    ["fireworks", "fireworks fireworks_ai fireworks.chat"],
    ["moonshotai", "moonshotai moonshot moonshot_ai moonshotai.chat"],
    ["perplexity", "perplexity perplexity-ai"],
    ["groq", "groq Groq groq.chat"],
    ["deepseek", "deepseek deepseek.chat"],
    ["github-copilot", "github-copilot github_copilot copilot"],
    ["openrouter", "openrouter openrouter.chat OpenRouter"],
    ["unknown", "unknown litellm litellm_proxy vercel vercel_ai_gateway gateway ai-gateway strands-agents"],
    // Other names are other providers, however much they look like one.
    ["acme", "acme ACME acme.chat"],
    ["openai-compatible", "openai-compatible OpenAI-Compatible openai-compatible.chat"],
    ["my-anthropic-proxy", "my-anthropic-proxy"],
    ["huggingface_together", "huggingface_together"],
  ])("%s is what %s mean", (canonical, names) => {
    for (const name of names.split(/\s+/)) expect(canonicalProvider(name), name).toBe(canonical);
    expect(canonicalProvider(canonical)).toBe(canonical);
    expect(embeddedCatalogue.providerOf(canonical)).toBe(canonical);
  });

  it("knows no one from an empty name", () => {
    expect(canonicalProvider(" ")).toBe("unknown");
  });
});
