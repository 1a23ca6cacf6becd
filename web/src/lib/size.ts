// How big a frame may be that a client sends.
import { PolylogError } from "./errors.ts";

// Where a gateway is in front of the server a frame ends below this; a browser cannot send
// one message in several frames.
export const FRAME_MAX = 32 * 1024;
// As long as nothing is known of a gateway: no command is larger. A server may take less, 64 KB
// unless its setting --frame-max says otherwise, and closes with 1009 then; the Client copes.
export const MESSAGE_MAX = 128 * 1024;

const encoder = new TextEncoder();

export function bytesOf(text: string): number {
  return encoder.encode(text).length;
}

export function tooLong(most: number): PolylogError {
  const text = `This is too long: at most ${most / 1024 - 1} KB go to this server at once.`;
  return new PolylogError("too_long", text);
}

// The rooms with their cursors in parts, each of which fits into one frame.
export function parts<T>(all: Record<string, T>, most = FRAME_MAX - 1024): Record<string, T>[] {
  const found: Record<string, T>[] = [{}];
  let size = 0;
  for (const [name, value] of Object.entries(all)) {
    const more = bytesOf(JSON.stringify({ [name]: value }));
    if (size > 0 && size + more > most) {
      found.push({});
      size = 0;
    }
    found.at(-1)![name] = value;
    size += more;
  }
  return found;
}
