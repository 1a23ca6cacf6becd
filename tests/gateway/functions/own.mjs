// A function that speaks the runtime API itself; it checks what the API says of mistakes.
const base = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;

for (;;) {
  const next = await fetch(`${base}/invocation/next`);
  const id = next.headers.get("lambda-runtime-aws-request-id");
  const event = await next.json();
  const wrong = await fetch(`${base}/invocation/another/response`, { method: "POST", body: "{}" });
  const said = {
    wrong: wrong.status,
    none: (await fetch(`${base}/none`)).status,
    arn: next.headers.get("lambda-runtime-invoked-function-arn"),
    left: Number(next.headers.get("lambda-runtime-deadline-ms")) - Date.now(),
    trace: next.headers.get("lambda-runtime-trace-id"),
    body: event.body,
  };
  const answer = { statusCode: 200, body: JSON.stringify(said) };
  await fetch(`${base}/invocation/${id}/response`, { method: "POST", body: JSON.stringify(answer) });
}
