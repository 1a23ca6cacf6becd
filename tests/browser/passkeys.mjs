// People who come by a passkey, of the browser's virtual authenticators: sign-up, log-in, several,
// removal.
import assert from "node:assert/strict";
import { PHONE } from "./person.mjs";
import { looksRight } from "./look.mjs";
import { Server } from "./server.mjs";

const FLAGS = ["--password-memory", "8k", "--password-passes", "1"];

// A story on a server of its own. Passkeys are for names: localhost, not its address.
const withPasskeys = (login, story) => async ({ arrive }) => {
  const server = await Server.create("--login", login, ...FLAGS);
  const at = server.url.replace("127.0.0.1", "localhost");
  const come = async (who, options) => {
    const person = await arrive(who, { at, ...options });
    person.cdp = await person.context.newCDPSession(person.page);
    await person.cdp.send("WebAuthn.enable");
    return person;
  };
  try {
    await story({ server, arrive: come });
  } finally {
    await server.close();
  }
};

// A security key, which is touched as soon as it is asked, while it is in reach.
async function plugIn(person) {
  const options = {
    ...{ protocol: "ctap2", transport: "usb", hasResidentKey: true, hasUserVerification: true },
    ...{ isUserVerified: true, automaticPresenceSimulation: true },
  };
  const { authenticatorId } = await person.cdp.send("WebAuthn.addVirtualAuthenticator", { options });
  const set = (enabled) =>
    person.cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
  const credentials = async () =>
    (await person.cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
  return { inReach: set, credentials };
}

const button = (person, name) => person.page.getByRole("button", { name, exact: true });
const isIn = (person) => person.page.getByText("Connected", { exact: true }).waitFor({ state: "attached" });

async function signUp(person) {
  await person.page.goto(person.url);
  await button(person, "New here? Create an account").click();
  await person.page.getByLabel("Your name").fill(person.name);
  await button(person, "Sign up with a passkey").click();
  await isIn(person);
}

async function logOut(person) {
  await person.page.locator(".me").click();
  await button(person, "Log out").click();
  await button(person, "Log in with a passkey").waitFor();
}

async function openPasskeys(person, n) {
  await person.page.locator(".me").click();
  await button(person, "Passkeys").click();
  await person.page.locator(".session").nth(n - 1).waitFor();
}

const dialog = (person) => person.page.getByRole("dialog");

export default [
  [
    "somebody signs up by a passkey, has a second one, and removes the first",
    withPasskeys("password,passkey", async ({ arrive }) => {
      const ana = await arrive("Ana");
      const first = await plugIn(ana);
      await ana.page.goto(ana.url);
      await looksRight(ana, "passkey-login");
      await signUp(ana);
      assert.equal((await first.credentials()).length, 1);
      await ana.join("keys");
      await ana.say("without a password");
      await ana.seesSent("without a password");
      await logOut(ana);
      await button(ana, "Log in with a passkey").click();
      await isIn(ana);

      // The last way stays.
      await openPasskeys(ana, 1);
      await button(ana, "Remove Passkey").click();
      await button(ana, "Remove").click();
      await dialog(ana).getByText("the last way by which you log in").waitFor();
      await button(ana, "Cancel").click();

      // One authenticator has one; another one has another.
      await openPasskeys(ana, 1);
      await button(ana, "Add a passkey").click();
      await dialog(ana).getByText("This device has a passkey of yours already.").waitFor();
      const second = await plugIn(ana);
      await first.inReach(false);
      await dialog(ana).getByLabel("Its name").fill("Second key");
      await button(ana, "Add a passkey").click();
      await dialog(ana).waitFor({ state: "detached" });
      await isIn(ana);
      assert.equal((await second.credentials()).length, 1);
      await openPasskeys(ana, 2);
      await dialog(ana).getByText("Second key", { exact: true }).waitFor();
      await looksRight(ana, "passkeys");
      await button(ana, "Rename Passkey").click();
      await dialog(ana).getByLabel("Its name").fill("First key");
      await button(ana, "Rename").click();
      await dialog(ana).getByText("First key", { exact: true }).waitFor();
      await button(ana, "Close").click();

      await logOut(ana);
      await button(ana, "Log in with a passkey").click();
      await isIn(ana);
      await openPasskeys(ana, 2);
      await button(ana, "Remove First key").click();
      await button(ana, "Remove").click();
      await dialog(ana).waitFor({ state: "detached" });
      await isIn(ana);
      await openPasskeys(ana, 1);
      assert.equal(await ana.page.locator(".session").count(), 1);
      await button(ana, "Close").click();
      await logOut(ana);
      await second.inReach(false);
      await first.inReach(true);
      await button(ana, "Log in with a passkey").click();
      await ana.page.getByText("This passkey is not known here").waitFor();
      assert.equal(await ana.page.locator(".me").count(), 0);
    }),
  ],
  [
    "by passkeys alone nobody is asked for a password, and at an address there are none",
    withPasskeys("passkey", async ({ server, arrive }) => {
      const bea = await arrive("Bea", PHONE);
      await plugIn(bea);
      await bea.page.goto(bea.url);
      await button(bea, "Log in with a passkey").waitFor();
      assert.equal(await bea.page.locator("input[type=password]").count(), 0);
      await signUp(bea);
      await bea.page.goto("about:blank");
      const lost = await arrive("Lost", { at: server.url });
      await lost.page.goto(lost.url);
      await lost.page.getByText("This server lets people in by").waitFor();
      assert.equal(await button(lost, "Log in with a passkey").count(), 0);
    }),
  ],
];
