import { execFileSync } from "node:child_process";
import { join } from "node:path";

// A certificate for the address, signed by itself: its files.
export function certificate(dir, ip) {
  const [cert, key] = [join(dir, "cert.pem"), join(dir, "key.pem")];
  const how = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const whose = ["-subj", `/CN=${ip}`, "-addext", `subjectAltName=IP:${ip}`];
  execFileSync("openssl", ["req", "-x509", ...how, ...whose, "-keyout", key, "-out", cert], { stdio: "ignore" });
  return { cert, key };
}
