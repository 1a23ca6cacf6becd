// One's own sessions: where each was used, when and by what; one can be ended, or all others.
import { asPolylogError, type Client, type SessionInfo } from "../lib/index.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { ago } from "./format.ts";
import { errorText, t } from "./texts.ts";

const PAGE_MAX = 200;

// What it was used by, as far as the server could tell.
function deviceOf({ program, system }: SessionInfo): string {
  if (program !== undefined && system !== undefined) return t("sessions.device", { program, system });
  return program ?? system ?? t("sessions.unknown");
}

function placeOf(session: SessionInfo): string {
  const at = ago(session.seen ?? session.created, Date.now());
  const when = session.seen === undefined ? t("sessions.begun", { when: at }) : t("sessions.seen", { when: at });
  return session.place === undefined ? when : t("sessions.place", { place: session.place, when });
}

export function sessionsDialog(client: Client): void {
  const list = h("ul", { class: "session-list", "aria-label": t("sessions.title") });
  const note = h("p", { class: "hint", role: "status", text: t("timeline.loading") });
  const others = h("button", { type: "button", class: "button danger", text: t("sessions.end_others"), hidden: true });
  const dialog = openDialog({
    title: t("sessions.title"),
    body: [h("p", { class: "hint", text: t("sessions.lead") }), list, note, h("footer", { class: "dialog-foot" }, others)],
  });
  const problem = dialog.element.querySelector(".form-error")!;

  const attempt = async (button: HTMLButtonElement, action: () => Promise<unknown>, done: string) => {
    problem.textContent = "";
    button.disabled = true;
    try {
      await action();
      await show();
      note.textContent = done;
    } catch (thrown) {
      problem.textContent = errorText(asPolylogError(thrown));
    }
    button.disabled = false;
  };
  const entry = (session: SessionInfo) => {
    const device = deviceOf(session);
    const item = h(
      "li",
      { class: "session" },
      h(
        "div",
        { class: "session-text" },
        h("strong", { text: device }),
        h("span", { class: "hint address", text: placeOf(session) }),
      ),
    );
    if (session.current) {
      item.append(h("span", { class: "hint", text: t("sessions.current") }));
      return item;
    }
    const end = h("button", {
      type: "button",
      class: "button",
      text: t("sessions.end"),
      "aria-label": t("sessions.end_label", { device }),
    });
    end.addEventListener("click", () => {
      const action = () => client.request("logout", { session: session.id });
      void attempt(end, action, t("sessions.ended", { n: 1 }));
    });
    item.append(end);
    return item;
  };
  const show = async () => {
    const { sessions } = await client.request("sessions", { limit: PAGE_MAX });
    const latest = (one: SessionInfo) => one.seen ?? one.created;
    sessions.sort((a, b) => Number(b.current) - Number(a.current) || latest(b) - latest(a));
    list.replaceChildren(...sessions.map(entry));
    others.hidden = !sessions.some((one) => !one.current);
    note.textContent = "";
  };
  others.addEventListener("click", () => {
    let ended = 0;
    const action = async () => {
      ({ ended = 0 } = await client.request("logout", { others: true }));
    };
    void attempt(others, action, "").then(() => {
      if (problem.textContent === "") note.textContent = t("sessions.ended", { n: ended });
    });
  });
  void show().catch((thrown) => {
    note.textContent = "";
    problem.textContent = errorText(asPolylogError(thrown));
  });
}
