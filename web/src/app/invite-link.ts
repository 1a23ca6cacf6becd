// Invite links, `#/invite/CODE` behind the page's address: what one has followed is kept by the tab
// until it is used, to sign up or, once there is a session, to enter a room.
import { pageServer, unescaped } from "./session.ts";
import { read, write } from "./storage.ts";

const START = "#/invite/";
const STARTS = [START, "#invite="];
const KEPT = "polylog.invite";

export function inviteAddress(code: string): string {
  return new URL(START + encodeURIComponent(code), pageServer()).href;
}

// Takes the code out of the page's address, if there is one, and keeps it. True: there was one.
export function keepInvite(): boolean {
  const start = STARTS.find((one) => location.hash.startsWith(one));
  if (start === undefined) return false;
  write("session", KEPT, unescaped(location.hash.slice(start.length)));
  history.replaceState(null, "", location.pathname + location.search);
  return true;
}

// The code of a link that was followed and not used yet.
export function keptInvite(): string | undefined {
  const code = read("session", KEPT);
  return typeof code === "string" ? code : undefined;
}

export function forgetInvite(): void {
  write("session", KEPT, undefined);
}
