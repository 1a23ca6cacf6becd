import { h, place } from "./dom.ts";
import { icon, type IconName } from "./icons.ts";

export interface MenuItem {
  label: string;
  icon?: IconName;
  // Instead of icon and label; the label is still its name.
  face?: string;
  pressed?: boolean;
  danger?: boolean;
  action(): void;
}

let open: { close(refocus: boolean): void } | undefined;

export function closeMenu(): void {
  open?.close(false);
}

function itemButton(item: MenuItem, close: () => void): HTMLButtonElement {
  const button = h("button", {
    type: "button",
    role: item.pressed === undefined ? "menuitem" : "menuitemcheckbox",
    "aria-checked": item.pressed === undefined ? undefined : String(item.pressed),
    class: item.face === undefined ? `menu-item${item.danger ? " danger" : ""}` : "menu-face",
    tabindex: "-1",
  });
  if (item.face !== undefined) {
    button.setAttribute("aria-label", item.label);
    button.textContent = item.face;
  } else {
    if (item.icon !== undefined) button.append(icon(item.icon));
    button.append(h("span", { text: item.label }));
  }
  button.addEventListener("click", () => {
    close();
    item.action();
  });
  return button;
}

// Where there is room: below or above the anchor, within the window. On a
// narrow screen the style makes it a sheet at the bottom instead.
function moveTo(menu: HTMLElement, anchor: DOMRect): void {
  const box = menu.getBoundingClientRect();
  const below = anchor.bottom + 4;
  const top = below + box.height <= innerHeight - 8 ? below : anchor.top - box.height - 4;
  const left = Math.min(anchor.right - box.width, innerWidth - box.width - 8);
  menu.style.setProperty("top", `${Math.max(8, top)}px`);
  menu.style.setProperty("left", `${Math.max(8, left)}px`);
}

// Opens a menu at the anchor: arrows move, Enter chooses, Escape goes back to
// where the focus was.
export function openMenu(anchor: HTMLElement, label: string, groups: readonly MenuItem[][]): void {
  closeMenu();
  const before = document.activeElement as HTMLElement | null;
  const close = (refocus: boolean) => {
    if (open !== self) return;
    open = undefined;
    scrim.remove();
    anchor.setAttribute("aria-expanded", "false");
    if (refocus) (before?.isConnected ? before : anchor).focus();
  };
  const buttons: HTMLButtonElement[] = [];
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label });
  for (const group of groups) {
    const made = group.map((item) => itemButton(item, () => close(true)));
    buttons.push(...made);
    const faces = group.some((item) => item.face !== undefined);
    const box = h("div", { class: faces ? "menu-faces" : "menu-group", role: "group" });
    place(box, made);
    menu.append(box);
  }
  const scrim = h("div", { class: "menu-scrim" }, menu);
  const self = { close };
  open = self;
  scrim.addEventListener("pointerdown", (event) => {
    if (event.target === scrim) close(true);
  });
  scrim.addEventListener("contextmenu", (event) => event.preventDefault());
  menu.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const step: Record<string, number> = {
      ArrowDown: 1,
      ArrowRight: 1,
      ArrowUp: -1,
      ArrowLeft: -1,
    };
    if (event.key === "Escape" || event.key === "Tab") close(true);
    else if (event.key === "Home") buttons[0]?.focus();
    else if (event.key === "End") buttons.at(-1)?.focus();
    else if (event.key in step) {
      buttons[(at + step[event.key]! + buttons.length) % buttons.length]?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  (anchor.closest("dialog, main") ?? document.body).append(scrim);
  anchor.setAttribute("aria-expanded", "true");
  moveTo(menu, anchor.getBoundingClientRect());
  buttons[0]?.focus();
}
