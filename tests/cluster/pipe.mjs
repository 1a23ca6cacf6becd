// A way between a node and a service, which can be cut, or get stuck: nothing moves on
// it, and nobody is told. Where it leads to can change, as a name does at a failover.
import { connect, createServer } from "node:net";

export class Pipe {
  static async open(to) {
    const pipe = new Pipe();
    pipe.to = to; // a port
    pipe.state = "open";
    pipe.pairs = new Set();
    pipe.server = createServer((socket) => pipe.accept(socket));
    await new Promise((resolve) => pipe.server.listen(0, "127.0.0.1", resolve));
    pipe.port = pipe.server.address().port;
    return pipe;
  }

  accept(near) {
    const drop = () => (near.destroy(), far.destroy(), this.pairs.delete(pair));
    const far = connect(this.to, "127.0.0.1");
    const pair = { near, far, drop };
    this.pairs.add(pair);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      one.on("error", drop);
      one.on("close", drop);
      one.pipe(other);
    }
    if (this.state === "cut") drop();
    if (this.state === "stuck") this.hold(pair);
  }

  hold({ near, far }) {
    near.unpipe(far);
    far.unpipe(near);
    near.pause();
    far.pause();
  }

  // "open", "stuck" or "cut"; what was stuck moves on when it is open again.
  set(state) {
    this.state = state;
    for (const pair of this.pairs) {
      if (state === "cut") pair.drop();
      if (state === "stuck") this.hold(pair);
      if (state === "open") {
        pair.near.pipe(pair.far);
        pair.far.pipe(pair.near);
      }
    }
  }

  close() {
    this.set("cut");
    return new Promise((resolve) => this.server.close(resolve));
  }
}
