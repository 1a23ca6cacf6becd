// What a browser keeps for the page. Where it keeps nothing, because site data is blocked
// or the storage is full, the page remembers as long as it lives.
const memory = new Map<string, unknown>();

type Kind = "local" | "session";

// Even to name the storage throws where site data is blocked.
const storage = (kind: Kind): Storage => (kind === "local" ? localStorage : sessionStorage);

export function read(kind: Kind, key: string): unknown {
  if (memory.has(key)) return memory.get(key);
  try {
    const value = storage(kind).getItem(key);
    return value === null ? undefined : JSON.parse(value);
  } catch {
    return undefined;
  }
}

// False: it is not kept beyond the page.
export function write(kind: Kind, key: string, value: unknown): boolean {
  memory.delete(key);
  try {
    if (value === undefined) storage(kind).removeItem(key);
    else storage(kind).setItem(key, JSON.stringify(value));
    return true;
  } catch {
    if (value !== undefined) memory.set(key, value);
    return false;
  }
}
