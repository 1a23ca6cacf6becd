// People who come by a password: sign-up, strangers, another password, a recovery link.
import assert from "node:assert/strict";
import { PHONE } from "./person.mjs";
import { looksRight } from "./look.mjs";
import { Server } from "./server.mjs";

const RIGHT = "correct horse";
const OTHER = "battery staple";
const FLAGS = ["--login", "password", "--password-memory", "8k", "--password-passes", "1"];

// A story on a server of its own.
const guarded = (story, ...more) => async ({ arrive }) => {
  const server = await Server.create(...FLAGS, ...more);
  const come = (who, options) => arrive(who, { at: server.url, ...options });
  try {
    await story({ server, arrive: come });
  } finally {
    await server.close();
  }
};

const button = (person, name) => person.page.getByRole("button", { name, exact: true });
const password = (person) => person.page.getByLabel("Password", { exact: true });
const isIn = (person) => person.page.getByText("Connected", { exact: true }).waitFor({ state: "attached" });

async function signUp(person, path = "") {
  await person.page.goto(person.url + path);
  const link = button(person, "New here? Create an account");
  if (path === "") await link.click();
  await person.page.getByLabel("Your name").fill(person.name);
  await password(person).fill(RIGHT);
  await button(person, "Create account").click();
  await isIn(person);
}

async function logIn(person, secret, name = person.name) {
  await person.page.goto(person.url);
  await person.page.getByLabel("Your name").fill(name);
  await password(person).fill(secret);
  await button(person, "Log in").click();
}

const ownerLink = (server) => /#owner=[0-9a-f]+/.exec(server.output)[0];

export default [
  [
    "somebody signs up by a password, and a stranger with the right name stays out",
    guarded(async ({ arrive }) => {
      const ana = await arrive("Ana");
      await ana.page.goto(ana.url);
      await looksRight(ana, "password-login");
      await signUp(ana);
      await ana.join("guarded");
      await ana.say("only I say so");
      await ana.seesSent("only I say so");
      const eve = await arrive("Eve", PHONE);
      await logIn(eve, OTHER, "ana");
      await eve.page.getByText("The name or the password is not right.").waitFor();
      await looksRight(eve, "password-refused");
      assert.equal(await eve.page.locator(".me").count(), 0);
      await ana.page.locator(".me").click();
      await button(ana, "Log out").click();
      await ana.page.getByLabel("Your name").waitFor();
      await logIn(ana, RIGHT, "ANA");
      await isIn(ana);
    }),
  ],
  [
    "somebody signs up by an invite link, and a stranger without one is told what to do",
    guarded(
      async ({ server, arrive }) => {
        const [boss, ana, eve] = [await arrive("Boss"), await arrive("Ana"), await arrive("Eve", PHONE)];
        await signUp(boss, ownerLink(server));
        await boss.page.locator(".me").click();
        await button(boss, "Invite people").click();
        await boss.page.getByText("There are no links.").waitFor();
        await button(boss, "New link…").click();
        await boss.page.getByLabel("For how many people").selectOption({ label: "1 person" });
        await button(boss, "Make link").click();
        const link = await boss.page.getByLabel("Link", { exact: true }).inputValue();
        await boss.page.getByText("can create an account on this server", { exact: false }).waitFor();
        await looksRight(boss, "invite-server");
        const code = link.split("/invite/")[1];
        await eve.page.goto(eve.url);
        await eve.page.getByText("Ask the owner of this server for an invite link").waitFor();
        await looksRight(eve, "invite-needed");
        assert.equal(await button(eve, "New here? Create an account").count(), 0);
        await ana.page.goto(link);
        await ana.page.getByText("You are invited.").waitFor();
        await looksRight(ana, "invite-signup");
        await ana.page.getByLabel("Your name").fill(ana.name);
        await password(ana).fill(RIGHT);
        await button(ana, "Create account").click();
        await isIn(ana);
        assert.ok(!ana.page.url().includes("invite"));
        await eve.page.goto(`${eve.url}#invite=${code}`);
        await eve.page.reload();
        await eve.page.getByLabel("Your name").fill(eve.name);
        assert.ok(!eve.page.url().includes(code));
        await password(eve).fill(RIGHT);
        await button(eve, "Create account").click();
        await eve.page.getByText("There is no such invitation, or it has ended").waitFor();
        assert.equal(await eve.page.locator(".me").count(), 0);
      },
      "--signup",
      "invite",
    ),
  ],
  [
    "a bot's message shows the name that it gave, and always that it is a bot's, and whose",
    guarded(async ({ server, arrive }) => {
      const ana = await arrive("Ana");
      await signUp(ana);
      await ana.join("machines");
      const ask = async (command, params, token) => {
        const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
        const body = JSON.stringify(params);
        return (await fetch(`${server.url}api/v1/${command}`, { method: "POST", headers, body })).json();
      };
      const { token } = await ask("login", { name: "Ana", password: RIGHT });
      const { user } = await ask("bot_create", { name: "deployer" }, token);
      const { key } = await ask("key_create", { name: "ci", scope: "write", user: user.id }, token);
      await ask("send", { room: "machines", text: "version 7 is out", as: "Ana", picture: "🚀" }, key);
      await ask("send", { room: "machines", text: "and so is 8", picture: "https://example.org/spy.png" }, key);
      const row = (text) => ana.page.locator("article.message", { hasText: text });
      await row("and so is 8").waitFor();
      assert.equal(await row("version 7").locator(".author").textContent(), "Ana");
      assert.equal(await row("version 7").locator(".bot-mark").textContent(), "bot");
      assert.equal(await row("version 7").locator(".bot-mark").getAttribute("title"), "@deployer");
      assert.match(await row("version 7").getAttribute("aria-label"), /^Ana \(bot deployer\), /);
      assert.equal(await row("version 7").locator(".avatar").textContent(), "🚀");
      assert.equal(await row("and so is 8").locator(".author").textContent(), "deployer");
      assert.equal(await row("and so is 8").locator(".bot-mark").count(), 1);
      await looksRight(ana, "bot");
    }),
  ],
  [
    "another password ends the sessions elsewhere, and the page goes on",
    guarded(async ({ arrive }) => {
      const [ana, phone] = [await arrive("Ana"), await arrive("Ana", PHONE)];
      await signUp(ana);
      await logIn(phone, RIGHT);
      await isIn(phone);
      await ana.page.locator(".me").click();
      await button(ana, "Password").click();
      await ana.page.getByLabel("Password so far").fill(OTHER);
      await ana.page.getByLabel("New password").fill(OTHER);
      await button(ana, "Set password").click();
      await ana.page.getByText("The name or the password is not right.").waitFor();
      await ana.page.getByLabel("Password so far").fill(RIGHT);
      await looksRight(ana, "password-change");
      await button(ana, "Set password").click();
      await ana.page.getByRole("dialog").waitFor({ state: "detached" });
      await isIn(ana);
      await phone.page.getByText("Your session was ended. Log in again.").waitFor();
      await logIn(phone, OTHER);
      await isIn(phone);
    }),
  ],
  [
    "whose answer to another password is lost is asked to log in, which the new one does",
    guarded(async ({ arrive }) => {
      const ana = await arrive("Ana");
      await signUp(ana);
      await ana.page.route("**/api/v1/password", async (route) => {
        await route.fetch();
        await route.abort("connectionfailed");
      });
      await ana.page.locator(".me").click();
      await button(ana, "Password").click();
      await ana.page.getByLabel("Password so far").fill(RIGHT);
      await ana.page.getByLabel("New password").fill(OTHER);
      await button(ana, "Set password").click();
      await ana.page.getByText("Your session was ended. Log in again.").waitFor();
      await logIn(ana, OTHER);
      await isIn(ana);
    }),
  ],
  [
    "the owner comes by the link, and hands on one that sets a lost password once",
    guarded(async ({ server, arrive }) => {
      const [boss, ana, late] = [await arrive("Boss"), await arrive("Ana"), await arrive("Late")];
      await signUp(boss, ownerLink(server));
      await signUp(ana);
      await boss.page.locator(".me").click();
      await button(boss, "Recovery link").click();
      await boss.page.getByLabel("Name", { exact: true }).fill("ana");
      await button(boss, "Make link").click();
      const link = await boss.page.getByLabel("Link", { exact: true }).inputValue();
      await looksRight(boss, "recovery-link");
      assert.ok(link.startsWith(`${server.url}#recover=`), link);
      const reset = async (person, secret) => {
        await person.page.goto("about:blank");
        await person.page.goto(link);
        await person.page.getByLabel("New password").fill(secret);
        assert.ok(!person.page.url().includes("#recover"));
        await button(person, "Set password").click();
      };
      await reset(ana, OTHER);
      await isIn(ana);
      await reset(late, RIGHT);
      await late.page.getByText("This link was used before").waitFor();
      await logIn(late, OTHER, "ana");
      await isIn(late);
    }),
  ],
  [
    "who came by a name protects it, and the page says what a name is worth until then",
    guarded(
      async ({ arrive }) => {
        const ana = await arrive("Ana");
        await ana.page.goto(ana.url);
        await button(ana, "Enter with a name alone").click();
        await ana.page.getByText("A name protects nothing").waitFor();
        await ana.page.getByLabel("Your name").fill("Ana");
        await button(ana, "Enter").click();
        await isIn(ana);
        await ana.page.locator(".me").click();
        await button(ana, "Password").click();
        await ana.page.getByLabel("New password").fill(RIGHT);
        await button(ana, "Set password").click();
        await ana.page.getByRole("dialog").waitFor({ state: "detached" });
        await isIn(ana);
        const eve = await arrive("Eve");
        await eve.page.goto(eve.url);
        await button(eve, "Enter with a name alone").click();
        await eve.page.getByLabel("Your name").fill("ana");
        await button(eve, "Enter").click();
        await eve.page.getByText("Whoever has this name logs in with a password.").waitFor();
      },
      "--login",
      "password,name",
    ),
  ],
];
