// A client of Socket.IO that polls, and only when it is told to: what waits for it is seen
// as it waits.
import { Refused } from "./server.mjs";

export class Polled {
  // The session is the token's; without one, the namespace refuses it.
  static async connect(server, token) {
    const polled = new Polled();
    polled.path = `/socket.io/?EIO=4&transport=polling`;
    polled.server = server;
    const open = await (await server.fetch(polled.path)).text();
    polled.path += `&sid=${JSON.parse(open.slice(1)).sid}`;
    polled.lastId = 0;
    polled.events = [];
    polled.waiting = [];
    polled.outbox = [];
    polled.posted = Promise.resolve();
    await polled.post(`40${JSON.stringify(token === undefined ? {} : { token })}`);
    const [answer] = await polled.poll();
    if (!answer.startsWith("40")) {
      const { message, data } = JSON.parse(answer.slice(2));
      throw new Refused("connect", { message, ...data });
    }
    return polled;
  }

  // One POST at a time; what is posted meanwhile goes with the next.
  post(packet) {
    this.outbox.push(packet);
    this.posted = this.posted.then(async () => {
      const body = this.outbox.splice(0).join("\x1e");
      if (body === "") return;
      const response = await this.server.fetch(this.path, { method: "POST", body });
      if ((await response.text()) !== "ok") throw new Error(`refused: ${body}`);
    });
    return this.posted;
  }

  // The packets that wait, or come.
  async poll() {
    const response = await this.server.fetch(this.path);
    const text = await response.text();
    if (!response.ok) throw new Error(`the poll was answered with ${response.status}: ${text}`);
    return text.split("\x1e").filter((packet) => packet !== "2");
  }

  // Polls until the packet is there; events that come before it are kept. Several may wait.
  until(fits) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ fits, resolve, reject });
      if (this.waiting.length === 1) void this.pollForAll();
    });
  }

  async pollForAll() {
    try {
      while (this.waiting.length > 0) {
        const packets = await this.poll();
        for (const packet of packets) if (packet.startsWith("42")) this.events.push(JSON.parse(packet.slice(2)));
        this.waiting = this.waiting.filter(({ fits, resolve }) => {
          const found = packets.find(fits);
          if (found !== undefined) resolve(found);
          return found === undefined;
        });
      }
    } catch (error) {
      for (const { reject } of this.waiting.splice(0)) reject(error);
    }
  }

  async call(action, params = {}) {
    const id = ++this.lastId;
    // the POST is answered once all in it has begun, which may need answers to be fetched
    const answered = this.until((one) => one.startsWith(`43${id}[`));
    const [packet] = await Promise.all([answered, this.post(`42${id}${JSON.stringify([action, params])}`)]);
    const [{ ok, error }] = JSON.parse(packet.slice(`43${id}`.length));
    if (error) throw new Refused(action, error);
    return ok;
  }

  kill() {
    void this.post("1").catch(() => undefined);
  }
}
