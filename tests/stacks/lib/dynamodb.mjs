// AWS' client of DynamoDB, from where the tests of emulators have it.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../emulators/lib/dynamo.mjs", import.meta.url));

export const { CreateTableCommand, DynamoDBClient, UpdateTimeToLiveCommand } = require("@aws-sdk/client-dynamodb");
