import { add, h, uniqueId } from "./dom.ts";
import { asPolylogError } from "../lib/index.ts";
import { errorText, t } from "./texts.ts";
import { iconButton } from "./widgets.ts";

export interface DialogOptions {
  title: string;
  body: (HTMLElement | string)[];
  // Without it there is nothing to submit. careful: the focus is on the way out.
  // busy: what the button says until the action is done.
  submit?: {
    label: string;
    busy?: string;
    danger?: boolean;
    careful?: boolean;
    action(): Promise<void> | void;
  };
}

export interface Dialog {
  element: HTMLDialogElement;
  close(): void;
}

// A modal dialog. Submitting runs the action; what that throws is shown, and
// without an error the dialog closes.
export function openDialog(options: DialogOptions): Dialog {
  const titleId = uniqueId("dialog");
  const element = h("dialog", { class: "dialog", "aria-labelledby": titleId });
  const error = h("p", { class: "form-error", role: "alert" });
  const close = () => element.close();
  const form = h(
    "form",
    { class: "dialog-form", novalidate: true },
    h(
      "header",
      { class: "dialog-head" },
      h("h2", { id: titleId, text: options.title }),
      iconButton("close", t("dialog.close"), close),
    ),
  );
  add(form, options.body);
  form.append(error);
  const { submit } = options;
  if (submit !== undefined) {
    const kind = submit.danger ? "danger" : "primary";
    const cancel = h("button", {
      type: "button",
      class: "button",
      text: t("dialog.cancel"),
      autofocus: submit.careful,
    });
    const go = h("button", { type: "submit", class: `button ${kind}`, text: submit.label });
    cancel.addEventListener("click", close);
    form.append(h("footer", { class: "dialog-foot" }, cancel, go));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      go.disabled = true;
      go.textContent = submit.busy ?? submit.label;
      error.textContent = "";
      Promise.resolve()
        .then(() => submit.action())
        .then(close)
        .catch((thrown) => {
          error.textContent = errorText(asPolylogError(thrown));
          error.scrollIntoView({ block: "nearest" });
        })
        .finally(() => {
          go.disabled = false;
          go.textContent = submit.label;
        });
    });
  } else {
    form.addEventListener("submit", (event) => event.preventDefault());
  }
  element.append(form);
  element.addEventListener("pointerdown", (event) => {
    if (event.target === element) close();
  });
  element.addEventListener("close", () => element.remove());
  document.body.append(element);
  element.showModal();
  element.querySelector<HTMLElement>("[autofocus], input:not([readonly]), select, .button.primary")?.focus();
  return { element, close };
}
