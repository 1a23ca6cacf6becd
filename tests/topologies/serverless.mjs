// No server: API Gateway, a function, a table, and people in browsers of their own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { endConnection } from "../emulators/lib/connections.mjs";
import { launch } from "../browser/launch.mjs";
import { agree, looks, more, visit } from "./people.mjs";
import { ALONE, ROOT, Topology, until } from "./topology.mjs";

// The processes that a process has started, and those that they have.
function descendants(pid) {
  const own = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return own.flatMap((child) => [child, ...descendants(child)]);
}

const argsOf = (pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);

// The function's processes, which wait for the next invocation.
function functions(topology) {
  return descendants(topology.child.pid).filter((pid) => {
    try {
      return argsOf(pid).at(-1) === "lambda";
    } catch {
      return false; // it has ended meanwhile
    }
  });
}

// Ends every connection that the gateway has, as it does after two hours.
async function cut(api) {
  const log = readFileSync(`${ROOT}build/local/serverless/gateway.log`, "utf8");
  const left = new Set([...log.matchAll(/^(\S+=) left/gm)].map(([, id]) => id));
  const open = [...log.matchAll(/^(\S+=) connected/gm)].map(([, id]) => id).filter((id) => !left.has(id));
  assert.ok(open.length >= 2, log);
  for (const id of open) assert.ok([204, 410].includes(await endConnection(api, id)));
}

const AIMED_MAX = 20;

// Two talk; `kill` is what is done in the middle of it, `aim` prepares it for when ben is posted
// to: before the function writes that it has, so that it is posted again.
async function talk(ana, ben, kill, aim) {
  const said = [];
  const say = async (person, text) => {
    said.push(text);
    await person.say(text);
  };
  for (const person of [ana, ben]) await person.join("cloud");
  for (let i = 0; i < 4; i++) await say(i % 2 ? ana : ben, `before ${i}.`).then(() => ana.seesSent(`before ${i}.`));
  for (let i = 0; i < 3; i++) {
    await say(ana, `amid ${i}.`);
    await kill();
  }
  await ben.sees("amid 2.");
  for (let i = 0; i < AIMED_MAX && ben.brought.repeats === 0; i++) {
    await say(ben, `ahead ${i}.`).then(() => ana.sees(`ahead ${i}.`));
    await aim();
    const { answers } = ana.brought;
    await say(ana, `aimed ${i}.`);
    await until("it was answered, at last", () => ana.brought.answers > answers);
    await ben.sees(`aimed ${i}.`);
  }
  assert.ok(ben.brought.repeats > 0, "nothing came twice that could be shown twice");
  await say(ben, "after all.");
  await agree([ana, ben], said);
  return said;
}

async function closeAll(browsers, topology) {
  for (const browser of browsers) await browser.close();
  return topology.stop();
}

export default {
  async "serverless: two people in two browsers talk; the function is killed, connections are cut"() {
    if (ALONE) return ALONE;
    const cloud = new Topology("serverless", ["--port=0", "--gateway=0"]);
    const browsers = [];
    try {
      const [, page, server] = await cloud.says(/open (http:\S+\/\?server=(\S+))/);
      const { host } = new URL(decodeURIComponent(server));
      browsers.push(await launch(), await launch());
      const [ana, ben] = await Promise.all(
        ["Ana cloud", "Ben cloud"].map((name, i) => visit(browsers[i], name, page, host)),
      );
      let killed = 0;
      const there = async () => {
        await until("a function is there", () => functions(cloud).length > 0);
        return functions(cloud);
      };
      const kill = (pids) => {
        for (const pid of pids) {
          try {
            process.kill(pid, "SIGKILL");
            killed++;
          } catch {
            // it has ended by itself
          }
        }
      };
      const aim = async () => {
        const pids = await there();
        ben.brought.heard = () => kill(pids.splice(0));
      };
      const said = await talk(ana, ben, async () => kill(await there()), aim);
      assert.ok(killed >= 3, `${killed} were killed`);
      for (const person of [ana, ben]) assert.equal(await person.noticed(), false);
      await looks(ana, ben, "serverless");
      said.push("across the cut.");
      await Promise.all([ben.say(said.at(-1)), cut(decodeURIComponent(server).replace("ws:", "http:"))]);
      await agree([ana, ben], said);
      await more(ana, ben, "cloud", said);
      for (const person of [ana, ben]) assert.deepEqual(person.complaints, []);
    } finally {
      assert.equal(await closeAll(browsers, cloud), 0, cloud.err);
    }
    return undefined;
  },
};
