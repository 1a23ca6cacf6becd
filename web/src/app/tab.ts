// Whether this tab is the one that its sessionStorage was written by. Duplicating a tab
// copies the storage, and with it messages that wait: only one of the two may send them.
import { read, write } from "./storage.ts";

const TAB = "polylog.tab";
// A page that is being reloaded lets its name go in a moment; another tab does not.
const LOCK_MS = 5000;
const ASK_MS = 500;

let claimed: Promise<boolean> | undefined;

// Takes a name for this tab: the stored one, if there is something stored under it to ask
// about. Resolves to whether what is stored is this tab's own; else another tab has it,
// too, and the name is a new one.
export function claimTab(isStored: boolean): Promise<boolean> {
  claimed ??= claim(isStored);
  return claimed;
}

async function claim(isStored: boolean): Promise<boolean> {
  const name = isStored ? read("session", TAB) : undefined;
  if (typeof name === "string" && (await hold(name))) return true;
  const fresh = Array.from(crypto.getRandomValues(new Uint32Array(3)), (n) => n.toString(36)).join(
    "",
  );
  write("session", TAB, fresh);
  void hold(fresh);
  return name === undefined;
}

// Holds the name as long as the page lives; false: another tab does.
function hold(name: string): Promise<boolean> {
  const lock = `${TAB}.${name}`;
  // Browsers have locks only for pages that came over https, or from this machine.
  if (!("locks" in navigator)) return ask(lock);
  return new Promise((resolve) => {
    navigator.locks
      .request(lock, { signal: AbortSignal.timeout(LOCK_MS) }, () => {
        resolve(true);
        return new Promise(() => undefined);
      })
      .catch((thrown: DOMException) => {
        if (thrown.name === "TimeoutError" || thrown.name === "AbortError") resolve(false);
        else void ask(lock).then(resolve);
      });
  });
}

// The same by asking the other tabs. One that sleeps does not answer: then both send, and
// the server tells by the messages' cid and seen that they are the same.
function ask(lock: string): Promise<boolean> {
  return new Promise((resolve) => {
    let channel: BroadcastChannel;
    try {
      channel = new BroadcastChannel(lock);
    } catch {
      resolve(true);
      return;
    }
    const timer = setTimeout(() => {
      channel.onmessage = ({ data }) => data === "whose" && channel.postMessage("mine");
      resolve(true);
    }, ASK_MS);
    channel.onmessage = ({ data }) => {
      if (data !== "mine") return;
      clearTimeout(timer);
      channel.close();
      resolve(false);
    };
    channel.postMessage("whose");
  });
}
