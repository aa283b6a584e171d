// Validates an AsyncAPI document from standard input with the official parser; prints its findings as JSON.
import { text } from "node:stream/consumers";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(await text(process.stdin));
const findings = diagnostics.map(({ severity, code, path, message }) => ({ severity, code, path: path.join("."), message }));
console.log(JSON.stringify({ valid: document !== undefined, findings }));
