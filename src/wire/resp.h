/* resp.h: the Redis protocol, version 2 (https://redis.io/docs/reference/protocol-spec):
 * commands out, replies in. The parser is hiredis'; what it makes of a reply, and how
 * much of it, is decided here.
 *
 *   bytes --feed--> [ hiredis reader ] --next--> struct resp_reply (a tree)
 *
 * Pure, for one thread. */
#ifndef WIRE_RESP_H
#define WIRE_RESP_H

#include "base/buf.h"

enum {
    RESP_ELEMENTS_MAX = 16384,    /* of an array */
    RESP_INNER_MAX = 512,         /* of an array within one */
    RESP_STRING_MAX = 1024 * 1024 /* bytes */
};

enum resp_type { RESP_STRING, RESP_ERROR, RESP_INT, RESP_NIL, RESP_ARRAY };

/* A status ("+OK") is a string too. */
struct resp_reply {
    enum resp_type type;
    struct str str; /* RESP_STRING, RESP_ERROR */
    int64_t i64;    /* RESP_INT */
    unsigned n;     /* RESP_ARRAY */
    struct resp_reply **elements;
};

/* Appends a command of n words. */
void resp_command(struct buf *b, const struct str *words, unsigned n);

struct resp_reader;

struct resp_reader *resp_reader_new(void) MUST_CHECK;
/* NULL is fine. */
void resp_reader_free(struct resp_reader *r);

/* Takes bytes, copies. */
void resp_feed(struct resp_reader *r, struct str bytes);

enum resp_result { RESP_OK, RESP_MORE, RESP_BAD };

/* The next whole reply, to be freed with resp_reply_free; RESP_MORE: it needs more
 * bytes; RESP_BAD: this is no reply, or one beyond the limits, and nothing more can be
 * read. */
enum resp_result resp_next(struct resp_reader *r, struct resp_reply **ret_reply) MUST_CHECK;

/* NULL is fine. */
void resp_reply_free(struct resp_reply *reply);

/* A string or an error that is s? */
bool resp_is(const struct resp_reply *reply, const char *s);

#endif
