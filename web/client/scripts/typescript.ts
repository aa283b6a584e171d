/** TypeScript types of the events in an AsyncAPI document. Pure. */

/** The part of a JSON Schema that pydantic makes. */
interface Schema {
  $ref?: string;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  prefixItems?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  description?: string;
}

/** The part of an AsyncAPI 3 document that is read here. */
export interface Document {
  components: {
    messages: Record<string, { name: string; summary?: string; tags: { name: string }[]; payload: Schema }>;
    schemas: Record<string, Schema>;
  };
}

const HEADER = `/**
 * Events of the core and of the plugins of this workspace, with their payloads.
 *
 * Generated from the server's \`/asyncapi.json\` by \`npm run generate\`: do not edit.
 */
`;

/** Answers to messages, and no events: clients give them to who asked. */
const ANSWERS = ["ack", "error"];

/**
 * A module: a type for each payload, named after its plugin and model, and the interfaces `ClientEvents` and
 * `ServerEvents`, all in the order of their names. What the server sends without a model is left out.
 */
export function typescript({ components }: Document): string {
  const types = new Map<string, string>();
  const events = { in: [] as string[], out: [] as string[] };
  for (const [key, { name, summary, tags, payload }] of Object.entries(components.messages).sort(byName)) {
    const direction = key.endsWith(".in") ? "in" : "out";
    const data = payload.properties?.data ?? {};
    const isUntyped = Object.keys(data).length === 0;
    if (direction === "out" && (isUntyped || ANSWERS.includes(name))) continue;
    const printer = new Printer(tags[0]?.name ?? "", components.schemas, direction === "out", types);
    const type = isUntyped ? "Record<string, never>" : printer.type(data);
    events[direction].push(`${comment(summary, "  ")}  ${JSON.stringify(name)}: ${type};\n`);
  }
  const declared = [...types].sort(byName).map(([, text]) => text);
  const list = (name: string, about: string, lines: string[]): string =>
    `/** ${about} */\nexport interface ${name} {\n${lines.join("")}}\n`;
  return [
    HEADER,
    ...declared,
    list("ClientEvents", "What a client sends, by event.", events.in),
    list("ServerEvents", "What the server sends, by event.", events.out),
  ].join("\n");
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

class Printer {
  constructor(
    private readonly plugin: string,
    private readonly schemas: Record<string, Schema>,
    /** The server leaves out what is null; a client may send it. */
    private readonly omitsNull: boolean,
    private readonly types: Map<string, string>,
  ) {}

  /** The type of a schema; types of its own are declared on the way. */
  type(schema: Schema): string {
    if (schema.$ref) return this.declare(schema.$ref.split("/").pop() ?? "");
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum) return union(schema.enum.map((value) => JSON.stringify(value)));
    const options = schema.anyOf ?? schema.oneOf;
    if (options) return union(options.map((option) => this.type(option)));
    if (schema.allOf) return schema.allOf.map((part) => this.type(part)).join(" & ");
    switch (schema.type) {
      case "string":
      case "boolean":
      case "null":
        return schema.type;
      case "integer":
      case "number":
        return "number";
      case "array":
        if (schema.prefixItems) return `[${schema.prefixItems.map((item) => this.type(item)).join(", ")}]`;
        return `Array<${this.type(schema.items ?? {})}>`;
      case "object": {
        if (Object.keys(schema.properties ?? {}).length) return this.object(schema, "");
        if (schema.properties) return "Record<string, never>";
        const values = schema.additionalProperties;
        return `Record<string, ${typeof values === "object" ? this.type(values) : "unknown"}>`;
      }
      default:
        return "unknown";
    }
  }

  private declare(model: string): string {
    const name = pascal(this.plugin) + model.slice(model.lastIndexOf(".") + 1);
    if (!this.types.has(name)) {
      this.types.set(name, ""); // so that a model may contain itself
      const schema = this.schemas[model];
      if (!schema) throw new Error(`${this.plugin}: no schema ${model}`);
      const text = Object.keys(schema.properties ?? {}).length
        ? `export interface ${name} ${this.object(schema, "")}`
        : `export type ${name} = ${this.type(schema)};`;
      this.types.set(name, `${comment(summary(schema.description), "")}${text}\n`);
    }
    return name;
  }

  private object(schema: Schema, indent: string): string {
    const lines = Object.entries(schema.properties ?? {}).map(([name, property]) => {
      const optional = !schema.required?.includes(name);
      const type = !optional
        ? this.type(property)
        : this.omitsNull
          ? this.type(withoutNull(property))
          : `${this.type(property)} | undefined`;
      return `${indent}  ${/^\w+$/.test(name) ? name : JSON.stringify(name)}${optional ? "?" : ""}: ${type};\n`;
    });
    return `{\n${lines.join("")}${indent}}`;
  }
}

function withoutNull(schema: Schema): Schema {
  return schema.anyOf ? { ...schema, anyOf: schema.anyOf.filter((option) => option.type !== "null") } : schema;
}

function union(types: string[]): string {
  return [...new Set(types)].join(" | ");
}

function pascal(name: string): string {
  return name.replace(/(?:^|[^a-z0-9])([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase());
}

/** A docstring without its Python-minded lists. */
function summary(description = ""): string {
  return (description.split(/\n\s*(?:Attributes|Args):/)[0] ?? "").trim();
}

function comment(text: string | undefined, indent: string): string {
  if (!text) return "";
  const lines = text.replaceAll("*/", "* /").split("\n");
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join("\n")}\n${indent} */\n`;
}
