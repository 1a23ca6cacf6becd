/* stream_event.h: what a Lambda function is given of the stream of the log table (DynamoDB), and
 * what it answers: which rooms were appended to.
 *
 *   {"Records":[{"eventName":"INSERT","dynamodb":{"Keys":{"room":{"S":"general"},"seq":{"N":"7"}},
 *    "SequenceNumber":"111"}}, ...]}
 *   {"batchItemFailures":[{"itemIdentifier":"111"}]}
 *
 * A record that names no room is passed over, and counted: one that nobody understands must not
 * hold up all that are behind it. Pure. */
#ifndef SERVERLESS_STREAM_EVENT_H
#define SERVERLESS_STREAM_EVENT_H

#include "base/base.h"
#include "base/buf.h"

enum {
    STREAM_EVENT_MAX = 6 * 1024 * 1024,
    STREAM_EVENT_VALUES_MAX = 1000 * 1000, /* of JSON, in all */
    STREAM_EVENT_ROOMS_MAX = 64,
};

/* A room, and the number of its first record. Borrowed from the event. */
struct stream_event_room {
    struct str room, number;
};

struct stream_event {
    unsigned records, passed_over;
    unsigned rooms_n;
    struct stream_event_room rooms[STREAM_EVENT_ROOMS_MAX];
    struct str
        rest; /* the first record of a room that did not fit: from there on again; or empty */
};

/* Does the event begin as one of a stream does? */
bool stream_event_is(struct str event) MUST_CHECK;

/* Reads the n bytes at p, which are changed in place. False if it is no such event. */
bool stream_event_read(uint8_t *p, size_t n, struct stream_event *ret_event) MUST_CHECK;

/* Appends an answer: the record with that number, and all behind it, are to come again; n 0: none
 * is. */
void stream_event_answer(struct str number, struct buf *out);

#endif
