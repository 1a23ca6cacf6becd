// The tables of an older system on an emulator, and what a migration of them says.
import { BatchWriteItemCommand, CreateTableCommand } from "@aws-sdk/client-dynamodb";
import { run } from "./use.mjs";

const BATCH = 25; // of the service

// { S: text } or { N: number }; others as they are.
function value(v) {
  if (typeof v === "number" || typeof v === "bigint") return { N: String(v) };
  return typeof v === "string" ? { S: v } : v;
}

export const item = (row) => Object.fromEntries(Object.entries(row).map(([name, v]) => [name, value(v)]));

const keys = (attributes) =>
  attributes.map(([name], i) => ({ AttributeName: name, KeyType: i === 0 ? "HASH" : "RANGE" }));

// key and index: [["name", "S"], ...], of one or two attributes.
export async function makeTable(d, name, key, index) {
  const attributes = [...key, ...(index?.key ?? [])];
  const indexes = index && [
    { IndexName: index.name, KeySchema: keys(index.key), Projection: { ProjectionType: "ALL" } },
  ];
  await d.sdk.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: attributes.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
      KeySchema: keys(key),
      GlobalSecondaryIndexes: indexes,
    }),
  );
}

export async function fillTable(d, name, rows) {
  for (let i = 0; i < rows.length; i += BATCH) {
    const requests = rows.slice(i, i + BATCH).map((row) => ({ PutRequest: { Item: item(row) } }));
    const { UnprocessedItems } = await d.sdk.send(new BatchWriteItemCommand({ RequestItems: { [name]: requests } }));
    if (Object.keys(UnprocessedItems ?? {}).length > 0) throw new Error(`${name} did not take all`);
  }
}

// `polylog migrate --from ...` into the tables of d.
export const migrateArgs = (d, from, more = []) => ["migrate", `--from=${from}`, `--to=dynamodb:${d.prefix}`, ...more];
export const migrate = (d, from, more) => run(migrateArgs(d, from, more), d.env);

// All of a room's messages, as [who, text, ts], in the order of the log.
export async function messages(client, room) {
  const all = [];
  for (let after = 0; ; ) {
    const { entries } = await client.call("history", { room, after, limit: 100 });
    if (entries.length === 0) return all;
    after = entries.at(-1).seq;
    all.push(...entries.filter(({ event }) => event === "message").map(({ from, text, ts }) => [from.name, text, ts]));
  }
}
