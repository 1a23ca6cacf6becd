// Lambda's event source mapping: reads the stream of the function's log table, and gives the
// function what it reads, one batch at a time of each shard, in order. A batch that fails comes
// again: all of it, in two halves, if the function failed; from the record on that the function
// named, if it named one (ReportBatchItemFailures, BisectBatchOnFunctionError).
import { createRequire } from "node:module";
import { sleep, until } from "../../integration/lib/suite.mjs";

// Those of tests/emulators.
const require = createRequire(new URL("../../emulators/package.json", import.meta.url));
const { DynamoDBClient, UpdateTableCommand } = require("@aws-sdk/client-dynamodb");
const streams = require("@aws-sdk/client-dynamodb-streams");

const BATCH_MAX = 100;
const RETRIES_MAX = 10; // MaximumRetryAttempts
const PAUSE_MS = 50;

export function sdk(Client, { AWS_ENDPOINT_URL_DYNAMODB: endpoint, AWS_REGION: region, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }) {
  return new Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
}

// Turns the stream of a table on: its ARN.
export async function turnOn(tables) {
  const client = sdk(DynamoDBClient, tables);
  const StreamSpecification = { StreamEnabled: true, StreamViewType: "KEYS_ONLY" };
  const { TableDescription } = await client.send(new UpdateTableCommand({ TableName: `${tables.POLYLOG_DYNAMODB_PREFIX}-log`, StreamSpecification }));
  client.destroy();
  return TableDescription.LatestStreamArn;
}

// A record as Lambda writes it into an event: times are seconds, not JavaScript's dates.
function asEvent({ dynamodb, ...record }, eventSourceARN) {
  const { ApproximateCreationDateTime: at, ...rest } = dynamodb;
  return { ...record, dynamodb: { ApproximateCreationDateTime: at.getTime() / 1000, ...rest }, eventSourceARN };
}

const number = (record) => record.dynamodb.SequenceNumber;

export class Mapping {
  // Of the gateway's function of that name; ends with the test.
  static async start(t, gateway, arn, name = "chat") {
    const mapping = new Mapping(gateway, arn, name);
    t.after(() => mapping.stop());
    mapping.running = mapping.run();
    mapping.running.catch((error) => (mapping.error = error));
    await until("the stream has a shard", () => mapping.checked.shards.size > 0);
    return mapping;
  }

  constructor(gateway, arn, name) {
    Object.assign(this, { gateway, arn, name });
    this.client = sdk(streams.DynamoDBStreamsClient, gateway.tables);
    this.shards = new Map(); // by their ids: { empty, over, waits }
    this.batches = []; // { records, failed, again }: whether the function failed, or from where on it asked again
    this.given = []; // each record as it was given
    this.lost = []; // what was given up behind RETRIES_MAX
    this.failed = async () => undefined; // a test's: is told of a batch before it comes again
  }

  get checked() {
    if (this.error) throw this.error;
    return this;
  }

  async stop() {
    this.stopped = true;
    this.release();
    await this.running.catch(() => undefined);
    this.client.destroy();
  }

  // Nothing is read until release: what is written meanwhile is one batch.
  async hold() {
    this.gate = new Promise((resolve) => (this.open = resolve));
    await until("nothing is being read", () => [...this.checked.shards.values()].every((shard) => shard.waits || shard.over));
  }

  release() {
    this.open?.();
    this.gate = undefined;
  }

  // All that was written before was read, and the function has answered.
  async readAll() {
    const before = new Map([...this.shards.values()].map((shard) => [shard, shard.empty]));
    // The first read may have begun before.
    await until("all was read", () => this.checked && [...before].every(([shard, empty]) => shard.over || shard.empty > empty + 1));
  }

  async run() {
    const reading = [];
    while (!this.stopped) {
      for (const { ShardId, ParentShardId } of await this.listShards()) {
        const parent = this.shards.get(ParentShardId);
        if (this.shards.has(ShardId) || (parent && !parent.over)) continue;
        const shard = { id: ShardId, empty: 0 };
        this.shards.set(ShardId, shard);
        const read = this.read(shard);
        read.catch((error) => (this.error = error));
        reading.push(read);
      }
      await sleep(10 * PAUSE_MS);
    }
    await Promise.all(reading);
  }

  async listShards() {
    const all = [];
    for (let from; ; ) {
      const command = new streams.DescribeStreamCommand({ StreamArn: this.arn, ExclusiveStartShardId: from });
      const { Shards, LastEvaluatedShardId } = (await this.client.send(command)).StreamDescription;
      all.push(...Shards);
      if (LastEvaluatedShardId === undefined) return all;
      from = LastEvaluatedShardId;
    }
  }

  async read(shard) {
    let from = await this.iterator(shard);
    while (from !== undefined && !this.stopped) {
      shard.waits = true;
      await this.gate;
      shard.waits = false;
      const read = await this.records(shard, from);
      if (read.Records.length > 0) await this.give(read.Records.map((record) => asEvent(record, this.arn)));
      else {
        shard.empty++;
        await sleep(PAUSE_MS);
      }
      shard.last = read.Records.map(number).at(-1) ?? shard.last;
      from = read.NextShardIterator;
    }
    shard.over = true;
  }

  // From what was read last on, or from the shard's beginning.
  async iterator({ id, last }) {
    const from = last === undefined ? { ShardIteratorType: "TRIM_HORIZON" } : { ShardIteratorType: "AFTER_SEQUENCE_NUMBER", SequenceNumber: last };
    const { ShardIterator } = await this.client.send(new streams.GetShardIteratorCommand({ StreamArn: this.arn, ShardId: id, ...from }));
    return ShardIterator;
  }

  // DynamoDB Local numbers the records of all its streams together: while a shard has none, the
  // iterator at its beginning is soon too old.
  async records(shard, ShardIterator) {
    try {
      return await this.client.send(new streams.GetRecordsCommand({ ShardIterator, Limit: BATCH_MAX }));
    } catch (error) {
      if (error.name !== "TrimmedDataAccessException") throw error;
      return { Records: [], NextShardIterator: await this.iterator(shard) };
    }
  }

  // Gives the batch until it was taken, or given up.
  async give(records, retries = 0) {
    while (records.length > 0 && !this.stopped) {
      const batch = { records: records.length, ...(await this.invoke(records)) };
      this.batches.push(batch);
      if (!batch.failed && batch.again === undefined) return;
      await this.failed(batch);
      if (batch.failed && records.length > 1) {
        const half = Math.ceil(records.length / 2);
        await this.give(records.slice(0, half), retries);
        return this.give(records.slice(half), retries);
      }
      if (++retries > RETRIES_MAX) return void this.lost.push(...records);
      if (!batch.failed) records = records.slice(records.findIndex((record) => number(record) === batch.again));
    }
  }

  // Whether the function failed, or the number of the record from which on it asks again. What is
  // none of the batch's is as good as a failure.
  async invoke(records) {
    this.given.push(...records);
    const url = `${this.gateway.http}/2015-03-31/functions/${this.name}/invocations`;
    const answer = await fetch(url, { method: "POST", body: JSON.stringify({ Records: records }) });
    const body = await answer.json();
    if (!answer.ok || answer.headers.get("x-amz-function-error")) return { failed: true };
    const named = (body?.batchItemFailures ?? []).map(({ itemIdentifier }) => itemIdentifier);
    if (named.some((one) => !records.some((record) => number(record) === one))) return { failed: true };
    const first = records.find((record) => named.includes(number(record)));
    return { failed: false, again: first && number(first) };
  }
}
