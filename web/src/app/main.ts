// Starts the page: with a session the rooms, without one the login.
import { Client, type PolylogError } from "../lib/index.ts";
import { ChatView } from "./chat-view.ts";
import { h } from "./dom.ts";
import { refuseFiles } from "./files.ts";
import { loginView } from "./login-view.ts";
import {
  keepNotice,
  outboxStorage,
  setServer,
  type StoredSession,
  storedSession,
  storeSession,
  takeAddress,
  takeNotice,
} from "./session.ts";
import { askServer } from "./settings.ts";
import { language, t } from "./texts.ts";

const LOGOUT_MS = 2000;

const root = document.getElementById("app")!;

function showLogin(owner?: string, notice?: string, asked = false): void {
  document.title = "Polylog";
  const view = loginView({
    owner,
    notice,
    asked,
    again: () => showLogin(owner),
    done: (session) => {
      storeSession(session);
      showChat(session);
    },
  });
  root.replaceChildren(view);
}

function ended(error: PolylogError): string {
  if (error.code === "expired") return t("ended.expired");
  if (error.code === "revoked") return t("ended.revoked");
  return t("ended.unknown");
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
      .request("logout", {}, { waitMs: LOGOUT_MS })
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

function start(): void {
  document.documentElement.lang = language;
  refuseFiles();
  const { server, owner } = takeAddress();
  const session = storedSession();
  if (session !== undefined && owner === undefined) showChat(session);
  else showLogin(owner, takeNotice(), server !== undefined);
  if (server === undefined) return;
  const atLogin = session === undefined || owner !== undefined;
  const use = (found: string) => {
    setServer(found);
    if (atLogin) showLogin(owner);
    else location.reload();
  };
  askServer(server, use, () => atLogin && showLogin(owner));
}

try {
  start();
} catch (thrown) {
  // Better than an empty page, whatever the browser lacks.
  root.replaceChildren(
    h("p", {
      role: "alert",
      text: t("app.cannot_start", { error: String(thrown) }),
    }),
  );
  throw thrown;
}
