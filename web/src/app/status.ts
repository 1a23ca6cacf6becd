// A line across the page while something is wrong with the connection.
import type { Client } from "../lib/index.ts";
import { h } from "./dom.ts";
import { errorText, t } from "./texts.ts";

const SOON_MS = 1200;

export class Status {
  readonly element = h("div", { class: "status", role: "status", hidden: true });
  private readonly text = h("span");
  private readonly retry = h("button", { type: "button", class: "link-button", text: t("status.retry") });
  private since = Date.now();
  private ends: number | undefined;

  constructor(private readonly client: Client) {
    this.retry.addEventListener("click", () => client.wake());
    this.element.append(this.text, this.retry);
    client.on("expiring", (expires) => {
      this.ends = expires;
      this.update();
    });
    client.on("state", () => this.update());
    setInterval(() => this.update(), 500);
  }

  update(): void {
    const { state } = this.client;
    if (state.name === "online") this.since = Number.POSITIVE_INFINITY;
    else if (this.since === Number.POSITIVE_INFINITY) this.since = Date.now();
    const text = this.message();
    this.element.hidden = text === undefined;
    if (this.text.textContent !== (text ?? "")) this.text.textContent = text ?? "";
    this.retry.hidden = !(state.name === "waiting" && state.reason !== "draining");
  }

  private message(): string | undefined {
    const { state } = this.client;
    if (state.name === "online") {
      if (this.ends === undefined) return undefined;
      const minutes = Math.max(1, Math.ceil((this.ends - Date.now()) / 60_000));
      return t("status.ends", { minutes });
    }
    if (state.name === "waiting") {
      const seconds = Math.ceil((state.until - Date.now()) / 1000);
      const when = seconds > 1 ? t("status.in_seconds", { seconds }) : t("status.now");
      if (state.reason === "draining") return t("status.draining", { when });
      const lost = navigator.onLine ? t("status.lost") : t("status.offline");
      const why = state.reason === "refused" ? errorText(state.error) : lost;
      return t("status.again", { why, when });
    }
    if (Date.now() - this.since < SOON_MS) return undefined;
    return state.name === "connecting" ? t("state.connecting") : undefined;
  }
}
