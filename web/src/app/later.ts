// What is seldom needed is in a file of its own (more.ts), loaded when it is first asked for.
import { t } from "./texts.ts";
import { toast } from "./widgets.ts";

type More = typeof import("./more.ts");

// Runs `use` with it. When it cannot be loaded, since there is no connection or the server has
// another version by now, that is said.
export async function later(use: (more: More) => unknown): Promise<void> {
  let more: More;
  try {
    more = await import("./more.ts");
  } catch {
    toast(navigator.onLine ? t("app.newer") : t("status.offline"));
    return;
  }
  use(more);
}
