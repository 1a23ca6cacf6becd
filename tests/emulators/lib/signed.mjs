// In front of an emulator, which takes any signature: what the AWS SDK would have signed
// differently, or not at all, is refused as the service refuses it.
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { Agent, createServer, request } from "node:http";
import { crc32 } from "node:zlib";
import { KEYS } from "./dynamo.mjs";

const FORM = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/dynamodb\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=[0-9a-f]{64}$/;
const MUST_BE_SIGNED = ["host", "x-amz-date", "x-amz-target"];

// "20261121T080000Z"
function moment(text) {
  return new Date(text.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));
}

// Why the request is not as the SDK signs it; undefined if it is.
async function wrong({ method, url, headers }, body) {
  const [, accessKeyId, region, names] = FORM.exec(headers.authorization ?? "") ?? [];
  if (names === undefined) return "there is no signature";
  const signed = names.split(";");
  const missing = MUST_BE_SIGNED.find((name) => !signed.includes(name));
  if (missing !== undefined) return `${missing} is not signed`;
  const signer = new SignatureV4({
    service: "dynamodb",
    region,
    credentials: { accessKeyId, secretAccessKey: KEYS.AWS_SECRET_ACCESS_KEY, sessionToken: headers["x-amz-security-token"] },
    sha256: Sha256,
    applyChecksum: false,
  });
  const only = Object.fromEntries(signed.filter((name) => name !== "x-amz-security-token").map((name) => [name, headers[name]]));
  const made = await signer.sign(
    { method, protocol: "http:", hostname: "127.0.0.1", path: url, query: {}, headers: only, body },
    { signingDate: moment(headers["x-amz-date"]), signableHeaders: new Set(signed) },
  );
  const last = (text) => text.slice(text.lastIndexOf("=") + 1);
  return last(made.headers.authorization) === last(headers.authorization) ? undefined : "the signatures differ";
}

export class Signed {
  static async open(port) {
    const signed = new Signed();
    signed.port = port;
    signed.agent = new Agent({ keepAlive: true });
    signed.passed = 0;
    signed.reasons = [];
    signed.server = createServer((asked, answer) => signed.take(asked, answer));
    await new Promise((resolve) => signed.server.listen(0, "127.0.0.1", resolve));
    signed.url = `http://127.0.0.1:${signed.server.address().port}`;
    return signed;
  }

  async take(asked, answer) {
    const chunks = [];
    for await (const chunk of asked) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const reason = await wrong(asked, body);
    if (reason === undefined) {
      this.passed++;
      return this.forward(asked, body, answer);
    }
    this.reasons.push(reason);
    const text = JSON.stringify({ __type: "com.amazon.coral.service#InvalidSignatureException", message: reason });
    const headers = { "Content-Type": "application/x-amz-json-1.0", "Content-Length": text.length };
    if (crc32 !== undefined) headers["x-amz-crc32"] = crc32(text);
    answer.writeHead(400, headers);
    answer.end(text);
  }

  forward({ method, url, headers }, body, answer) {
    const where = { port: this.port, host: "127.0.0.1", agent: this.agent };
    const onward = request({ ...where, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode, response.headers);
      response.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    onward.end(body);
  }

  close() {
    this.agent.destroy();
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
