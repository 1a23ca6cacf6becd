import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

function openssl(...args) {
  execFileSync("openssl", args, { stdio: "ignore" });
}

// A certificate for the address, signed by itself: its files.
export function certificate(dir, ip) {
  const [cert, key] = [join(dir, "cert.pem"), join(dir, "key.pem")];
  const whose = ["-subj", `/CN=${ip}`, "-addext", `subjectAltName=IP:${ip}`];
  openssl("req", "-x509", ...NEW_KEY, "-days", "2", ...whose, "-keyout", key, "-out", cert);
  return { cert, key };
}

// Somebody who certifies others: the file of their certificate, and what they certify an
// address with, for a TLS server of Node's.
export function authority(dir, name) {
  const [cert, key] = [join(dir, `${name}.pem`), join(dir, `${name}.key`)];
  const authorities = ["-addext", "keyUsage=critical,keyCertSign"];
  openssl("req", "-x509", ...NEW_KEY, "-days", "2", "-subj", `/CN=${name}`, ...authorities, "-keyout", key, "-out", cert);
  const certify = (ip) => {
    const file = (ending) => join(dir, `${name}-${ip}.${ending}`);
    writeFileSync(file("ext"), `subjectAltName=IP:${ip}\nbasicConstraints=CA:FALSE\n`);
    openssl("req", ...NEW_KEY, "-subj", `/CN=${ip}`, "-keyout", file("key"), "-out", file("csr"));
    const signing = ["-CA", cert, "-CAkey", key, "-CAcreateserial", "-days", "2", "-extfile", file("ext")];
    openssl("x509", "-req", "-in", file("csr"), ...signing, "-out", file("pem"));
    return { cert: readFileSync(file("pem")), key: readFileSync(file("key")) };
  };
  return { file: cert, certify };
}
