// An authenticator and the browser before it, at an address: makes passkeys of ES256 and proves
// them. What it says may be bent before it is sent.
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();
const text = (bytes) => Buffer.from(bytes).toString("base64url");

const PRESENT = 0x05;
const MADE = 0x40;

export class Authenticator {
  // origin: of the page; rp: the domain that the passkey is for.
  constructor(origin, rp = new URL(origin).hostname) {
    Object.assign(this, { origin, rp, id: randomBytes(16), count: 0, handle: "" });
    Object.assign(this, generateKeyPairSync("ec", { namedCurve: "P-256" }));
  }

  client(type, challenge) {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false }));
  }

  head(flags) {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(++this.count);
    return Buffer.concat([sha256(this.rp), Buffer.from([flags]), count]);
  }

  // What passkey_add and passkey_signup take, of what was begun.
  make({ challenge, user }) {
    const { x, y } = this.publicKey.export({ format: "jwk" });
    const data = Buffer.concat([
      this.head(PRESENT | MADE),
      Buffer.alloc(16),
      Buffer.from([0, this.id.length]),
      this.id,
      Buffer.from("a5010203262001215820", "hex"),
      Buffer.from(x, "base64url"),
      Buffer.from("225820", "hex"),
      Buffer.from(y, "base64url"),
    ]);
    const start = Buffer.from("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58", "latin1");
    this.handle = user.handle;
    return {
      client_data: text(this.client("webauthn.create", challenge)),
      attestation: text(Buffer.concat([start, Buffer.from([data.length]), data])),
    };
  }

  // What passkey_login takes.
  prove({ challenge }) {
    const client = this.client("webauthn.get", challenge);
    const data = this.head(PRESENT);
    const signature = sign("sha256", Buffer.concat([data, sha256(client)]), this.privateKey);
    return {
      credential: text(this.id),
      handle: this.handle,
      client_data: text(client),
      authenticator: text(data),
      signature: text(signature),
    };
  }
}
