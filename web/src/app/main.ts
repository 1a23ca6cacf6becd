// Starts the page: with a session the rooms, without one the login.
import { Client, type PolylogError } from "../lib/index.ts";
import { ChatView } from "./chat-view.ts";
import { loginView } from "./login-view.ts";
import {
  keepNotice,
  outboxStorage,
  type StoredSession,
  storedSession,
  storeSession,
  takeAddress,
  takeNotice,
} from "./session.ts";

const root = document.getElementById("app")!;

function showLogin(owner?: string, notice?: string): void {
  document.title = "Polylog";
  const view = loginView({
    owner,
    notice,
    done: (session) => {
      storeSession(session);
      showChat(session);
    },
  });
  root.replaceChildren(view);
}

function ended(error: PolylogError): string {
  if (error.code === "expired") return "Your session has expired. Log in again.";
  if (error.code === "revoked") return "Your session was ended. Log in again.";
  return "Log in again.";
}

function showChat(session: StoredSession): void {
  const outbox = outboxStorage(session);
  const client = new Client({ ...session, outbox });
  let leaving = false;
  const logout = () => {
    leaving = true;
    storeSession(undefined);
    outbox.save([]);
    client
      .request("logout", {})
      .catch(() => undefined)
      .finally(() => {
        client.stop();
        location.replace(location.pathname);
      });
  };
  client.on("state", (state) => {
    if (state.name !== "ended" || leaving) return;
    storeSession(undefined);
    keepNotice(ended(state.error));
    location.reload();
  });
  root.replaceChildren(new ChatView(client, logout).element);
  client.start();
}

const owner = takeAddress();
const session = storedSession();
if (session !== undefined && owner === undefined) showChat(session);
else showLogin(owner, takeNotice());
