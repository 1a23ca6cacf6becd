// Passkeys, by the browser's part of WebAuthn: one is made, or proves who somebody is. What it says
// goes to the server as it is.
import { beginPasskey, enter, PolylogError, type Renewal, type Session } from "../lib/index.ts";
import { currentServer } from "./session.ts";
import { t } from "./texts.ts";

// ES256, EdDSA, RS256, the best first.
const ALGORITHMS = [-7, -8, -257];

interface Begun {
  challenge: string;
  timeout: number;
  rp?: string;
}

interface Made {
  client_data: string;
  attestation: string;
}

// What newer browsers do besides: an authenticator forgets what the server does not know.
interface Signals {
  signalUnknownCredential?(about: { rpId: string; credentialId: string }): Promise<void>;
}

// Browsers have passkeys where nobody can listen, at a name, and for a domain that the name is in.
export function passkeysPossible(rp: string | undefined): boolean {
  const host = location.hostname;
  const isName = /[a-z]/i.test(host) && !host.includes(":");
  const isOfDomain = rp === undefined || host === rp || host.endsWith(`.${rp}`);
  return isSecureContext && typeof PublicKeyCredential === "function" && isName && isOfDomain;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

function textOf(bytes: ArrayBuffer): string {
  const binary = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// What the browser answers in place of a passkey: mostly that the person would not.
function asProblem(thrown: unknown): unknown {
  if (!(thrown instanceof DOMException)) return thrown;
  if (thrown.name === "InvalidStateError") return new PolylogError("passkey_there", t("passkey.there")).because("told");
  if (thrown.name === "SecurityError") return new PolylogError("passkey_domain", t("passkey.domain")).because("told");
  return new PolylogError("bad_passkey", t("passkey.none")).because("told");
}

async function asked<R>(what: Promise<Credential | null>, read: (credential: PublicKeyCredential) => R): Promise<R> {
  try {
    const credential = await what;
    if (credential instanceof PublicKeyCredential) return read(credential);
  } catch (thrown) {
    throw asProblem(thrown);
  }
  throw new PolylogError("bad_passkey", t("passkey.none")).because("told");
}

function forget(rp: string | undefined, credentialId: string): void {
  const { signalUnknownCredential: signal } = PublicKeyCredential as unknown as Signals;
  const about = { rpId: rp ?? location.hostname, credentialId };
  void signal?.call(PublicKeyCredential, about).catch(() => undefined);
}

// Why the server has not kept a passkey, for sure; without an answer it may have.
const UNKEPT = ["name_taken", "name_alike", "bad_name", "too_many_passkeys"];

// Makes one, and gives what the browser says to `keep`; if the server does not want it, the
// authenticator is told.
async function make<R>(
  begun: Begun & { user?: { handle: string; name: string }; exclude?: string[] },
  keep: (made: Made) => Promise<R>,
): Promise<R> {
  const { challenge, timeout, rp, user = { handle: "", name: "" }, exclude = [] } = begun;
  const options: PublicKeyCredentialCreationOptions = {
    challenge: bytesOf(challenge),
    timeout,
    rp: { name: "Polylog", ...(rp !== undefined && { id: rp }) },
    user: { id: bytesOf(user.handle), name: user.name, displayName: user.name },
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
    authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "preferred" },
    attestation: "none",
    excludeCredentials: exclude.map((id) => ({ type: "public-key", id: bytesOf(id) })),
  };
  const { id, made } = await asked(navigator.credentials.create({ publicKey: options }), (credential) => {
    const response = credential.response as AuthenticatorAttestationResponse;
    const said = { client_data: textOf(response.clientDataJSON), attestation: textOf(response.attestationObject) };
    return { id: credential.id, made: said };
  });
  try {
    return await keep(made);
  } catch (thrown) {
    if (thrown instanceof PolylogError && UNKEPT.includes(thrown.code)) forget(rp, id);
    throw thrown;
  }
}

// What a link has brought: the owner's code, that of an invite.
type Codes = { owner?: string; invite?: string };

export async function signUpByPasskey(name: string, codes: Codes): Promise<Session> {
  const server = currentServer();
  const begun = await beginPasskey(server, { name, ...codes });
  return make(begun, (made) => enter(server, "passkey_signup", { name, ...codes, ...made }));
}

export async function logInByPasskey(codes: Codes): Promise<Session> {
  const server = currentServer();
  const { challenge, timeout, rp } = await beginPasskey(server, {});
  const options: PublicKeyCredentialRequestOptions = {
    challenge: bytesOf(challenge),
    timeout,
    ...(rp !== undefined && { rpId: rp }),
    userVerification: "preferred",
  };
  const said = await asked(navigator.credentials.get({ publicKey: options }), (credential) => {
    const response = credential.response as AuthenticatorAssertionResponse;
    return {
      credential: credential.id,
      handle: textOf(response.userHandle ?? new ArrayBuffer(0)),
      client_data: textOf(response.clientDataJSON),
      authenticator: textOf(response.authenticatorData),
      signature: textOf(response.signature),
    };
  });
  const { owner } = codes;
  return enter(server, "passkey_login", { ...said, ...(owner !== undefined && { owner }) });
}

export async function addPasskey(
  begun: Begun & { user: { handle: string; name: string }; exclude: string[] },
  title: string,
  renew: Renewal,
): Promise<void> {
  await make(begun, (made) => renew("passkey_add", { ...made, ...(title !== "" && { title }) }));
}
