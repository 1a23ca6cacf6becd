// What people write and programs get wrong never ends a connection, at any door: the command
// is refused with a code, and the next one works. A table of doors and bad contents.
import assert from "node:assert/strict";
import { test } from "../integration/lib/suite.mjs";
import { Peer } from "./peer.mjs";

const deep = (n) => (n === 0 ? 1 : [deep(n - 1)]);
const HALF = "\ud83d", OTHER_HALF = "\ude00";

// Members of a send, and what they are refused with.
const CONTENTS = {
  "half a character": [{ text: `a${HALF}` }, "bad_utf8"],
  "the other half": [{ text: `${OTHER_HALF}b` }, "bad_utf8"],
  "two halves the wrong way round": [{ text: OTHER_HALF + HALF }, "bad_utf8"],
  "half a character in a name": [{ text: "a", [HALF]: 1 }, "bad_utf8"],
  "half a character that nobody reads": [{ text: "a", other: { x: HALF } }, "bad_utf8"],
  "half a character as the room": [{ room: HALF, text: "a" }, "bad_utf8"],
  "half a character as the cid": [{ text: "a", cid: HALF }, "bad_utf8"],
  "what is nested too deeply": [{ text: "a", other: deep(20) }, "too_deep"],
  "too many values": [{ text: "a", other: Array(5000).fill(1) }, "too_many_values"],
  "too many members": [{ text: "a", ...Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`m${i}`, i])) }, "too_many_values"],
  "a number": [{ text: 5 }, "bad_type"],
  "an object": [{ text: { a: 1 } }, "bad_type"],
  "nothing": [{ text: "" }, "empty"],
  "no text": [{}, "missing_parameter"],
  "a long text": [{ text: "x".repeat(5000) }, "too_long"],
  "a room that is none": [{ room: "!", text: "a" }, "bad_room"],
  "a seq below 0": [{ text: "a", reply_to: -1 }, "bad_value"],
  "a fraction": [{ text: "a", reply_to: 1.5 }, "bad_type"],
  "a large number": [{ text: "a", reply_to: 1e300 }, "bad_type"],
};

const code = (promise) => promise.then(() => "taken", (error) => error.code);

async function peer(t, options) {
  const one = await Peer.connect(t, "ana", { ...options, manager: undefined });
  return {
    send: (params) => code(one.call("send", params)),
    works: async () => {
      assert.ok((await one.call("ping")).now > 0);
      assert.equal(one.connects.length, 1);
    },
    one,
  };
}

const DOORS = {
  "a WebSocket": async (t) => {
    const ana = await t.person("ana");
    return { send: (params) => code(ana.call("send", params)), works: () => ana.call("ping") };
  },
  "HTTP": async (t) => {
    const server = await t.server;
    const { token } = await server.login(t.name("ana"));
    return { send: (params) => code(server.command("send", params, token)), works: () => server.command("ping") };
  },
  "Socket.IO by WebSocket": (t) => peer(t, { transports: "websocket" }),
  "Socket.IO by polling": (t) => peer(t, { transports: "polling" }),
  "a namespace of Socket.IO": (t) => peer(t, { transports: "websocket", nsp: "/team" }),
};

for (const [name, open] of Object.entries(DOORS))
  test(`bad contents do not end a connection: ${name}`, async (t) => {
    const door = await open(t), room = t.room();
    for (const [what, [params, want]] of Object.entries(CONTENTS)) {
      assert.equal(await door.send({ room, ...params }), want, what);
      await door.works();
    }
  });

test("bad events do not end a session", async (t) => {
  for (const transports of ["websocket", "polling"]) {
    const { one, works } = await peer(t, { transports });
    for (const [event, args, want] of [
      [HALF, [], "bad_utf8"],
      ["x".repeat(200), [], "unknown_command"],
      ["send", [HALF], "bad_utf8"],
      ["send", ["room", HALF], "bad_utf8"],
      ["send", Array(11).fill(Buffer.from("x")), "too_many_values"],
      ["send", [{ room: "r", text: HALF, file: Buffer.from("x") }], "bad_utf8"],
    ]) {
      assert.equal(await code(one.call(event, ...args)), want, event);
      await works();
    }
    // without an ack there is an event
    one.socket.emit("send", { room: "r", text: HALF });
    await works();
    assert.equal(one.events.find(({ event }) => event === "error").body.error.code, "bad_utf8");
  }
});

test("bad contents of a login are refused as such", async (t) => {
  for (const auth of [{ name: HALF }, { token: HALF }]) {
    const one = await Peer.connect(t, "ana", { transports: "websocket", auth });
    assert.equal(one.error.data.code, "bad_utf8");
  }
});

test("an unknown event is named, and objects of other chats are understood", async (t) => {
  const room = t.room();
  const bob = await t.person("bob");
  await bob.call("join", { room });
  await bob.call("send", { room, text: "before" });
  const { one } = await peer(t, { transports: "websocket" });
  const error = await one.call("user joined", { room }).catch((reason) => reason);
  assert.deepEqual([error.code, error.event], ["unknown_command", "user joined"]);
  one.socket.emit("user_typing");
  await one.call("joinRoom", { username: "x", room });
  const unknown = one.events.find(({ event }) => event === "error").body.error;
  assert.equal(unknown.event, "user_typing");
  await one.shown(room, 1);
  for (const member of ["msg", "data", "message", "content", "body"])
    await one.call("sendMessage", { username: "x", roomId: room, [member]: member });
  assert.deepEqual(await one.shown(room, 6), ["before", "msg", "data", "message", "content", "body"]);
});
