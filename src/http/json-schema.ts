/**
 * Turns zod schemas into the JSON Schema of OpenAPI 3.1. A schema with an id becomes a component that others refer to.
 */
import { z } from "zod";

export type Json = Record<string, unknown>;

export interface JsonSchemas {
  /** @param io `input` for what a request sends, `output` for what parsing makes of it or an answer has. */
  of(schema: z.ZodType, io: "input" | "output"): Json;
  /** The components that schemas have referred to so far. */
  named: Json;
}

export function createJsonSchemas(): JsonSchemas {
  const named: Json = {};
  const made = { input: new Map<z.ZodType, Json>(), output: new Map<z.ZodType, Json>() };
  return {
    named,
    of(schema, io) {
      const known = made[io].get(schema);
      if (known) return known;
      // Wrapped in a list, because a schema with an id is only referred to if it is not at the top.
      const { items, $defs = {} } = z.toJSONSchema(z.array(schema), { io, override: tidy }) as Record<string, Json>;
      for (const [id, definition] of Object.entries($defs)) named[id] ??= withReferences(definition);
      const own = withReferences(items) as Json;
      made[io].set(schema, own);
      return own;
    },
  };
}

type Overridden = Parameters<NonNullable<z.core.ToJSONSchemaParams["override"]>>[0];

/** Answers may get further fields, so no schema forbids them. Bounds of safe integers would only be noise. */
function tidy({ zodSchema, jsonSchema }: Overridden): void {
  if (zodSchema instanceof z.ZodObject && zodSchema.def.catchall === undefined) delete jsonSchema.additionalProperties;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  delete jsonSchema.id;
}

function withReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withReferences);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      key === "$ref" && typeof member === "string"
        ? member.replace("#/$defs/", "#/components/schemas/")
        : withReferences(member),
    ]),
  );
}
