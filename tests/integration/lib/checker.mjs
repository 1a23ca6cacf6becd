// A service that is asked about messages: it verifies each request by the library of Standard
// Webhooks, and answers as the test says.
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { Webhook } from "standardwebhooks";

export const SECRET = `whsec_${Buffer.from("a secret of thirty-two bytes, so").toString("base64")}`;

export class Checker {
  // tls: its certificate and key; without, it is spoken to by http.
  static async start(tls = undefined) {
    const checker = new Checker();
    checker.asked = []; // the bodies, with the id of the request
    checker.faults = [];
    checker.open = []; // answers that the test gives later
    checker.answer = () => ({ verdict: "allow" }); // (data) => the body, or a function of the response
    const serve = (request, response) => void checker.serve(request, response);
    checker.http = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
    await new Promise((resolve) => checker.http.listen(0, "127.0.0.1", resolve));
    checker.url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${checker.http.address().port}/check?a=b`;
    return checker;
  }

  async serve(request, response) {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const text = Buffer.concat(pieces).toString();
    try {
      new Webhook(SECRET).verify(text, request.headers);
    } catch (fault) {
      this.faults.push(fault);
    }
    const body = JSON.parse(text);
    this.asked.push({ id: request.headers["webhook-id"], url: request.url, ...body });
    const answer = this.answer(body.data, this.asked.length);
    if (typeof answer === "function") return answer(response);
    response.writeHead(200, { "Content-Type": "application/json; charset=utf-8" });
    response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
  }

  close() {
    this.http.closeAllConnections();
    return new Promise((resolve) => this.http.close(resolve));
  }
}
