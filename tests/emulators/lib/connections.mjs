// @connections of an API Gateway, asked as AWS' library for JavaScript signs it.
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { KEYS } from "./dynamo.mjs";

// Ends a connection of the API at http://HOST/STAGE; the answer's status.
export async function endConnection(api, id) {
  const { hostname, host, pathname } = new URL(api);
  const path = `${pathname}/@connections/${encodeURIComponent(id)}`;
  const credentials = { accessKeyId: KEYS.AWS_ACCESS_KEY_ID, secretAccessKey: KEYS.AWS_SECRET_ACCESS_KEY };
  const service = { service: "execute-api", region: KEYS.AWS_REGION, credentials, sha256: Sha256 };
  const asked = { method: "DELETE", protocol: "http:", hostname, path, query: {}, headers: { host } };
  const { headers } = await new SignatureV4(service).sign(asked);
  delete headers.host; // fetch says it itself
  return (await fetch(`http://${host}${path}`, { method: "DELETE", headers })).status;
}
