// A function that speaks the runtime API itself, and takes as many invocations at once as it
// may; it asks for one more than that once, and says what came of it.
const base = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const atOnce = Number(process.env.AWS_LAMBDA_MAX_CONCURRENCY);
let busy = 0;
let more;

async function serve() {
  for (;;) {
    const next = await fetch(`${base}/invocation/next`);
    const id = next.headers.get("lambda-runtime-aws-request-id");
    const { to } = JSON.parse((await next.json()).body);
    if (++busy === atOnce) more = (await fetch(`${base}/invocation/next`)).status;
    await fetch(to);
    const answer = { statusCode: 200, body: String(process.pid), more };
    await fetch(`${base}/invocation/${id}/response`, { method: "POST", body: JSON.stringify(answer) });
    busy--;
  }
}

for (let i = 0; i < atOnce; i++) serve();
