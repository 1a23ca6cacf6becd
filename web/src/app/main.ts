// Starts the page: with a session the rooms, without one the login.
import { asPolylogError, Client, type PolylogError, type Renewal, renewSession } from "../lib/index.ts";
import { ChatView } from "./chat-view.ts";
import { h } from "./dom.ts";
import { refuseFiles } from "./files.ts";
import { keepInvite, keptInvite } from "./invite-link.ts";
import { begin, finish, leaveAt, takeAnswer, tokenOf } from "./issuer.ts";
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
import { errorText, language, t } from "./texts.ts";

const LOGOUT_MS = 2000;

const root = document.getElementById("app")!;

// What a link has brought: the code that makes its bearer the owner, or sets a new password.
type Codes = { owner?: string | undefined; recover?: string | undefined };

function showLogin(codes: Codes = {}, notice?: string, asked = false): void {
  document.title = "Polylog";
  const view = loginView({
    ...codes,
    invite: keptInvite(),
    notice,
    asked,
    again: () => showLogin(codes),
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
  const { server, user } = session;
  const client = new Client({ server, user, token: tokenOf(session), outbox });
  let leaving = false;
  // Another page comes; until it is there, nothing more is done in this one.
  const anew = (): Promise<never> => {
    client.stop();
    location.reload();
    return new Promise(() => undefined);
  };
  // The session is over, by nothing that this page has done.
  const over = (error: PolylogError) => {
    leaving = true;
    const { issued } = storedSession() ?? session;
    storeSession(undefined);
    keepNotice(ended(error));
    if (issued === undefined || error.code !== "expired") location.reload();
    else begin(issued.issuer, true).catch(() => location.reload());
  };
  // What was to end it has not done so; the end may have come meanwhile by something else.
  const stay = () => {
    leaving = false;
    if (client.state.name === "ended") over(client.state.error);
  };
  const logout = () => {
    const elsewhere = leaveAt(storedSession() ?? session);
    leaving = true;
    storeSession(undefined);
    outbox.save([]);
    client
      .request("logout", {}, { waitMs: LOGOUT_MS })
      .catch(() => undefined)
      .finally(() => {
        client.stop();
        location.replace(elsewhere ?? location.pathname);
      });
  };
  // Every session ends when it changes how one logs in: this one goes on under the new token.
  const renew: Renewal = async (command, params) => {
    leaving = true;
    try {
      const { token, user } = await renewSession(session.server, session.token, command, params);
      storeSession({ server: session.server, token, user });
      await anew();
    } catch (thrown) {
      stay();
      throw thrown;
    }
  };
  const deactivate = async () => {
    leaving = true;
    try {
      await client.request("deactivate", {});
    } catch (thrown) {
      // The answer may come no more: the session ends with the account.
      if (asPolylogError(thrown).code !== "disconnected") {
        stay();
        throw thrown;
      }
    }
    storeSession(undefined);
    outbox.save([]);
    keepNotice(t("ended.deactivated"));
    await anew();
  };
  client.on("state", (state) => {
    if (state.name === "ended" && !leaving) over(state.error);
  });
  root.replaceChildren(new ChatView(client, { logout, renew, deactivate }).element);
  client.start();
}

function start(): void {
  document.documentElement.lang = language;
  refuseFiles();
  keepInvite();
  const answer = takeAnswer();
  if (answer !== undefined) {
    root.replaceChildren(h("main", { class: "login" }, h("p", { role: "status", text: t("server.connecting") })));
    finish(answer).then(
      (session) => {
        takeNotice();
        storeSession(session);
        showChat(session);
      },
      (thrown) => showLogin({}, takeNotice() ?? errorText(asPolylogError(thrown))),
    );
    return;
  }
  const { server, ...codes } = takeAddress();
  const session = storedSession();
  const linked = codes.owner !== undefined || codes.recover !== undefined;
  if (session !== undefined && !linked) showChat(session);
  else showLogin(codes, takeNotice(), server !== undefined);
  if (server === undefined) return;
  const atLogin = session === undefined || linked;
  const use = (found: string) => {
    setServer(found);
    if (atLogin) showLogin(codes);
    else location.reload();
  };
  askServer(server, use, () => atLogin && showLogin(codes));
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
