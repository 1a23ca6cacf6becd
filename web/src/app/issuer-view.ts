// The way in by the server's issuer, as the login shows it.
import { asPolylogError } from "../lib/index.ts";
import { h } from "./dom.ts";
import { begin, issuerOf } from "./issuer.ts";
import { currentServer } from "./session.ts";
import { errorText, t } from "./texts.ts";

// Shows itself once it is known that there is one.
export function issuerWay(): HTMLElement {
  const go = h("button", { type: "button", class: "button wide" });
  const error = h("p", { class: "form-error", role: "alert" });
  const element = h("div", { class: "login-issuer", hidden: true }, go, error);
  void issuerOf(currentServer()).then((issuer) => {
    if (issuer === undefined) return;
    go.textContent = t("issuer.login", { host: new URL(issuer.url).host });
    element.hidden = false;
    go.addEventListener("click", () => {
      error.textContent = "";
      go.disabled = true;
      begin(issuer).catch((thrown) => {
        error.textContent = errorText(asPolylogError(thrown));
        go.disabled = false;
      });
    });
  });
  return element;
}
