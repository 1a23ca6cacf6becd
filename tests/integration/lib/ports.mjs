// Ports for servers that have to be told theirs, and come back to it. They are below
// those that the kernel gives to outgoing connections, and in a block that this process
// has for itself: other runs, side by side with this one, have others.
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

const FIRST = 10_000;
const BLOCK = 200;

function firstOfKernel() {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").split(/\s/)[0]);
  } catch {
    return 32768;
  }
}

// The first port of a block: as long as this process runs, a UDP socket on it says that
// the block is taken.
async function reserve() {
  const blocks = Math.max(1, Math.floor((firstOfKernel() - FIRST) / BLOCK));
  const start = process.pid % blocks;
  for (let i = 0; i < blocks; i++) {
    const first = FIRST + ((start + i) % blocks) * BLOCK;
    const socket = createSocket("udp4");
    const isOurs = await new Promise((resolve) => {
      socket.once("error", () => resolve(false));
      socket.bind({ port: first, address: "127.0.0.1", exclusive: true }, () => resolve(true));
    });
    if (isOurs) {
      socket.unref();
      return first;
    }
    socket.close();
  }
  throw new Error("no block of ports is free");
}

function isFree(port) {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

let block;
let next = 0;

export async function freePort() {
  const first = await (block ??= reserve());
  for (let i = 1; i < BLOCK; i++) {
    const port = first + 1 + (next++ % (BLOCK - 1));
    if (await isFree(port)) return port;
  }
  throw new Error("no port is free");
}
