/** JSON merge patches (RFC 7396), as `session:update` applies them. */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Patch = { [name: string]: unknown };

/** The target with a patch applied; neither is changed. */
export function merge<T>(target: T, patch: unknown): T {
  if (!isObject(patch)) return patch as T;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else if (value !== undefined) merged[name] = merge(merged[name], value);
  }
  return merged as T;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
