/* stream_records.h: events of the stream of the table of logs, in the form in which Lambda's
 * mapping gives what it has read (tests/serverless/test_stream.mjs looks at real ones). */
#ifndef LIB_STREAM_RECORDS_H
#define LIB_STREAM_RECORDS_H

#define STREAM_RECORD(room, number)                                                      \
    "{\"awsRegion\":\"us-east-1\",\"eventID\":\"1\",\"eventName\":\"INSERT\","           \
    "\"eventSource\":\"aws:dynamodb\",\"eventVersion\":\"1.1\",\"dynamodb\":{"           \
    "\"ApproximateCreationDateTime\":1764468060,\"Keys\":{\"room\":{\"S\":\"" room       \
    "\"},\"seq\":{\"N\":\"7\"}},\"SequenceNumber\":\"" number "\",\"SizeBytes\":26,"     \
    "\"StreamViewType\":\"KEYS_ONLY\"},\"eventSourceARN\":\"arn:aws:dynamodb:us-east-1:" \
    "123456789012:table/polylog-log/stream/2026-01-01T00:00:00.000\"}"

#define STREAM_RECORDS(records) "{\"Records\":[" records "]}"

/* The answer that asks for those from that number on again. */
#define STREAM_AGAIN(number) "{\"batchItemFailures\":[{\"itemIdentifier\":\"" number "\"}]}"
#define STREAM_DONE "{\"batchItemFailures\":[]}"

#endif
