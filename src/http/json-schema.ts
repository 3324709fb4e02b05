/** zod's schemas as OpenAPI 3.1 has them: JSON Schema, in which those with an id are named once and referred to. */
import { z } from "zod";

export type Json = Record<string, unknown>;

export interface JsonSchemas {
  /** @param io what is checked, or what that makes of it */
  of(schema: z.ZodType, io: "input" | "output"): Json;
  /** Those that were referred to so far. */
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
      // In a list, so that a schema with an id is referred to as any other.
      const { items, $defs = {} } = z.toJSONSchema(z.array(schema), { io, override: tidy }) as Record<string, Json>;
      for (const [id, definition] of Object.entries($defs)) named[id] ??= withReferences(definition);
      const own = withReferences(items) as Json;
      made[io].set(schema, own);
      return own;
    },
  };
}

type Overridden = Parameters<NonNullable<z.core.ToJSONSchemaParams["override"]>>[0];

/** Answers may get further fields; and every whole number is one that JSON can carry. */
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
