// Who somebody is: what they say of themselves, and what one can do about them.
import { asPolylogError, type Profile, type User } from "../lib/index.ts";
import type { Contacts } from "./contacts.ts";
import { openDialog } from "./dialog.ts";
import { h, place } from "./dom.ts";
import { shortTime } from "./format.ts";
import { errorText, locale, t } from "./texts.ts";
import { avatar } from "./widgets.ts";

export interface CardActions {
  me: number;
  write(user: User): Promise<void>;
  editOwn(): void;
}

// The time of day where somebody is; undefined: the browser does not know the zone.
function timeIn(zone: string, now: number): string | undefined {
  try {
    const format = new Intl.DateTimeFormat(locale, { timeStyle: "short", timeZone: zone });
    return t("card.local_time", { time: format.format(now), zone: zone.replaceAll("_", " ") });
  } catch {
    return undefined;
  }
}

function facts(profile: Profile): HTMLElement[] {
  const lines: [string, string | undefined][] = [];
  const until = (end: number | undefined) => (end === undefined ? "" : ` ${t("card.until", { when: shortTime(end) })}`);
  if (profile.status !== undefined) lines.push(["said", profile.status + until(profile.status_until)]);
  if (profile.state === "away") lines.push(["away", t("state.away") + until(profile.state_until)]);
  if (profile.state === "dnd") lines.push(["dnd", t("state.dnd") + until(profile.state_until)]);
  if (profile.zone !== undefined) lines.push(["zone", timeIn(profile.zone, Date.now())]);
  return lines
    .filter(([, text]) => text !== undefined)
    .map(([kind, text]) => h("p", { class: `card-fact ${kind}`, dir: "auto", text: text! }));
}

export function profileCard(user: User, contacts: Contacts, { me, write, editOwn }: CardActions): void {
  const own = user.id === me;
  const heading = h("p", { class: "card-name", dir: "auto" });
  const handle = h("p", { class: "hint", text: `@${user.name}` });
  const said = h("div", { class: "card-facts" });
  const note = h("p", { class: "hint", role: "status" });
  const main = h("button", { type: "button", class: "button primary" });
  const block = h("button", { type: "button", class: "button", hidden: own });
  const dialog = openDialog({
    title: t("card.title"),
    body: [
      h("div", { class: "card-who" }, avatar(user.id, user.name, "large"), h("div", {}, heading, handle)),
      said,
      note,
      h("footer", { class: "dialog-foot" }, block, main),
    ],
  });
  const problem = dialog.element.querySelector(".form-error")!;
  const fail = (thrown: unknown) => void (problem.textContent = errorText(asPolylogError(thrown)));
  const show = () => {
    const profile = contacts.profile(user.id);
    const blocked = contacts.isBlocked(user.id);
    heading.textContent = contacts.nameOf(user);
    place(said, profile === undefined ? [] : facts(profile));
    main.textContent = own ? t("card.edit") : t("card.write");
    main.hidden = blocked;
    block.textContent = blocked ? t("card.unblock") : t("card.block");
    note.textContent = blocked ? t("card.blocked") : "";
  };
  main.addEventListener("click", () => {
    problem.textContent = "";
    if (!own) {
      write(user).then(dialog.close, fail);
      return;
    }
    dialog.close();
    editOwn();
  });
  block.addEventListener("click", () => {
    problem.textContent = "";
    block.disabled = true;
    contacts
      .block(user.id, !contacts.isBlocked(user.id))
      .then(show, fail)
      .finally(() => (block.disabled = false));
  });
  show();
  main.focus();
  contacts.fetch(user.id).then(show, fail);
}
