// The part of the page's address that names the open room: `#/<id>`.
import { unescaped } from "./session.ts";

export function addressedRoom(): string | undefined {
  if (!location.hash.startsWith("#/")) return undefined;
  const id = unescaped(location.hash.slice(2));
  return id === "" ? undefined : id;
}

export function roomHash(id: string): string {
  return `#/${encodeURIComponent(id).replaceAll("%3A", ":")}`;
}
