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
        from.pipe(into);
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

  cut() {
    this.whole = false;
    for (const socket of this.sockets) socket.destroy();
  }

  mend() {
    this.whole = true;
  }

  close() {
    this.cut();
    this.listener.close();
  }
}
