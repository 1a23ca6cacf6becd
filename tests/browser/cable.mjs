// A request as a proxy passes it on that names the server itself.
function withHost(bytes, host) {
  return Buffer.from(bytes.toString("latin1").replace(/^Host: .*$/m, `Host: ${host}`), "latin1");
}

// The cable between a person and the server: it can be cut, and mended.
import { connect, createServer } from "node:net";

export class Cable {
  static async to(server) {
    const cable = new Cable();
    cable.sockets = new Set();
    cable.whole = true;
    cable.listener = createServer((near) => {
      if (!cable.whole) {
        near.destroy();
        return;
      }
      const far = connect(server.port, "127.0.0.1");
      for (const [from, into] of [
        [near, far],
        [far, near],
      ]) {
        cable.sockets.add(from);
        if (from === near) from.on("data", (bytes) => cable.pass(bytes, near, far));
        else from.pipe(into);
        from.on("error", () => into.destroy());
        from.on("close", () => {
          cable.sockets.delete(from);
          into.destroy();
        });
      }
    });
    await new Promise((resolve) => cable.listener.listen(0, "127.0.0.1", resolve));
    cable.url = `http://127.0.0.1:${cable.listener.address().port}/`;
    return cable;
  }

  // From the person to the server: all but what is blocked.
  pass(bytes, near, far) {
    if (this.blocked !== undefined && bytes.includes(`GET ${this.blocked}`)) near.destroy();
    else far.write(this.host === undefined ? bytes : withHost(bytes, this.host));
  }

  // What begins with that path does not get through; everything else does.
  block(path) {
    this.blocked = path;
    for (const socket of this.sockets) socket.destroy();
  }

  cut() {
    this.whole = false;
    for (const socket of this.sockets) socket.destroy();
  }

  mend() {
    this.whole = true;
    this.blocked = undefined;
  }

  close() {
    this.cut();
    this.listener.close();
  }
}
