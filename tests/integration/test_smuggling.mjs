// Requests that different programs understand differently: each is refused, the
// connection is closed, and what stands behind it is never taken for a request.
import assert from "node:assert/strict";
import { Raw } from "./lib/raw.mjs";
import { test } from "./lib/suite.mjs";

const GET = "GET /ready HTTP/1.1\r\nHost: localhost\r\n";
const POST = "POST /api/v1/ping HTTP/1.1\r\nHost: localhost\r\n";
const SMUGGLED = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

const refused = [
  // lines
  "GET /ready HTTP/1.1\nHost: a\n\n",
  `${GET}X: a\n\r\n`,
  `${GET}X: \rTransfer-Encoding: chunked\r\n\r\n`,
  `${GET}X: a\rb\r\n\r\n`,
  `${GET}X: a\r\n folded\r\n\r\n`,
  `${GET}X: a\r\n\tfolded\r\n\r\n`,
  "GET /ready HTTP/1.1\r\n Host: localhost\r\n\r\n",
  `${GET}X: a\0b\r\n\r\n`,
  // names
  `${POST}Content-Length : 5\r\n\r\n`,
  `${POST}Transfer-Encoding : chunked\r\n\r\n`,
  `${POST}Transfer-Encoding\t: chunked\r\n\r\n`,
  `${GET}nothing\r\n\r\n`,
  // request lines
  "GET  /ready HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "GET /ready  HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "GET /ready\r\n\r\n",
  "GET /ready HTTP/1.10\r\nHost: localhost\r\n\r\n",
  "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "GET http://u@a/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "CONNECT a:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
  // hosts
  "GET /ready HTTP/1.1\r\n\r\n",
  `${GET}Host: b\r\n\r\n`,
  "GET /ready HTTP/1.1\r\nHost: a, b\r\n\r\n",
  // where the body ends
  `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`,
  `${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n`,
  `${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`,
  `${POST}Content-Length: 0\r\ncontent-length: 0\r\n\r\n`,
  `${POST}Content-Length: 0, 0\r\n\r\n`,
  `${POST}Content-Length: +0\r\n\r\n`,
  `${POST}Content-Length: -0\r\n\r\n`,
  `${POST}Content-Length: 0x0\r\n\r\n`,
  `${POST}Content-Length: 0 0\r\n\r\n`,
  `${POST}Content-Length:\r\n\r\n`,
  `${POST}Content-Length: 18446744073709551616\r\n\r\n`,
  `${POST}Transfer-Encoding: xchunked\r\n\r\n`,
  `${POST}Transfer-Encoding: identity\r\n\r\n`,
  `${POST}Transfer-Encoding: "chunked"\r\n\r\n`,
  `${POST}Transfer-Encoding: chunked;a=b\r\n\r\n`,
  `${POST}Transfer-Encoding: chunked, identity\r\n\r\n`,
  `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n`,
  `${POST}Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n`,
  `${POST}Transfer-Encoding:\r\n\r\n`,
  `${POST}Transfer-Encoding: \x0bchunked\r\n\r\n`,
  "POST /api/v1/ping HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
  // chunks
  ...[
    "0\n\r\n",
    "00000000000000000\r\n\r\n",
    "0x0\r\n\r\n",
    "-1\r\n",
    "g\r\n",
    " 0\r\n\r\n",
    "1\r\n{}\r\n0\r\n\r\n",
    "2\r\n{}0\r\n\r\n",
    "1\n{\n0\n\n",
    "0 \r\n\r\n\r\n",
    "2;\n\r\n{}\r\n0\r\n\r\n",
    "ffffffffffffffff0\r\n",
  ].map((chunks) => `${POST}Transfer-Encoding: chunked\r\n\r\n${chunks}`),
  // other protocols
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

test("ambiguous requests are refused and nothing behind them is answered", async (t) => {
  const { port } = await t.server;
  const ask = async (head) => {
    const raw = await Raw.connect(port);
    raw.write(Buffer.from(head + SMUGGLED, "latin1"));
    const { status, headers } = await raw.answer();
    assert.ok(status >= 400 && status < 600, `${status} for ${JSON.stringify(head)}`);
    assert.equal(headers.connection, "close", JSON.stringify(head));
    assert.equal(await raw.rest(), "", JSON.stringify(head));
  };
  await Promise.all(refused.map(ask));
});

test("a body is never taken for a request", async (t) => {
  const { port } = await t.server;
  for (const request of [
    `${POST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    `${GET}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    `${POST}Transfer-Encoding: chunked\r\n\r\n${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`,
    `${POST}Transfer-Encoding: chunked\r\n\r\n0\r\nX: ${"GET /health HTTP/1.1"}\r\n\r\n`,
  ]) {
    const raw = await Raw.connect(port);
    t.after(() => raw.kill());
    raw.write(request + "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const first = await raw.answer();
    assert.ok([200, 400].includes(first.status));
    const { status, body } = await raw.answer();
    assert.deepEqual([status, String(body)], [200, "ready\n"]);
  }
});

test("nothing is left of a request when the connection is upgraded", async (t) => {
  const { port } = await t.start({ "head-timeout": "2s" }); // which ends it
  const raw = await Raw.connect(port);
  t.after(() => raw.kill());
  // a request in the body of a handshake is no request, and no frame either
  await assert.rejects(
    raw.upgrade({ headers: { "Content-Length": String(SMUGGLED.length) } }).then(async () => {
      raw.write(SMUGGLED);
      const { opcode, payload } = await raw.frame();
      throw new Error(`${opcode} ${payload}`);
    }),
  );
  assert.equal(String(raw.bytes).includes('"status":"ok"'), false);
});
