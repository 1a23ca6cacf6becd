/* dynamo.h: what DynamoDB says and is told: its JSON (version 1.0 of the AWS JSON
 * protocol), in which every value carries its type.
 *
 *   {"Items":[{"room":{"S":"a"},"seq":{"N":"1"},"entries":{"B":"AQI="}}],
 *    "LastEvaluatedKey":{...}}
 *
 * An answer is read in one pass, in place, into items of named values; only the
 * types S, N and B are known, since no others are written. Pure: no I/O, no clock. */
#ifndef WIRE_DYNAMO_H
#define WIRE_DYNAMO_H

#include "base/json.h"

enum {
    DYNAMO_ATTRS_MAX = 12,    /* of one item */
    DYNAMO_REASONS_MAX = 100, /* of one transaction */
    DYNAMO_ROLES_MAX = 32,    /* of one table; what is beyond is left out */
};

/* Beyond these the service refuses (aws: "Service quotas"). */
#define DYNAMO_ITEM_MAX (400 * 1024)
#define DYNAMO_TRANSACTION_MAX (4 * 1024 * 1024)

enum dynamo_type {
    DYNAMO_S, /* UTF-8 */
    DYNAMO_N, /* decimal digits */
    DYNAMO_B, /* any bytes; base64 is undone */
};

/* All of it borrows from the answer's bytes. */
struct dynamo_attr {
    struct str name, value;
    enum dynamo_type type;
};

struct dynamo_item {
    struct dynamo_attr attrs[DYNAMO_ATTRS_MAX];
    unsigned n; /* 0: there is no item */
};

/* Why one action of a transaction did not happen; "None" for those that could. */
struct dynamo_reason {
    struct str code;
    struct dynamo_item item; /* as it is, if that was asked for */
};

/* What is said of a table; what is not said is empty. */
struct dynamo_table {
    struct str status;   /* "ACTIVE" */
    struct str ttl;      /* "ENABLED", "DISABLED", ... */
    struct str recovery; /* the same, of point-in-time recovery */
    /* Each attribute with its part in the key (HASH, RANGE), and with its type. */
    struct {
        struct str name, role;
    } roles[DYNAMO_ROLES_MAX];
    unsigned roles_n;
};

struct dynamo_answer {
    struct str error; /* what follows '#' in __type; empty: none */
    struct str message;
    struct dynamo_item item; /* Item, or Attributes */
    struct dynamo_item last; /* LastEvaluatedKey */
    struct dynamo_table table;
    struct dynamo_item *items;
    size_t items_n, items_cap;
    struct dynamo_reason *reasons;
    size_t reasons_n, reasons_cap;
};

/* Reads a whole body, of any operation; what it does not know is skipped. False if
 * it is malformed; dynamo_answer_fini either way. */
bool dynamo_answer_parse(uint8_t *p, size_t n, struct dynamo_answer *ret_answer) MUST_CHECK;
void dynamo_answer_fini(struct dynamo_answer *a);

/* The value of that name and type; false if there is none. */
bool dynamo_get(const struct dynamo_item *item, const char *name, enum dynamo_type type,
                struct str *ret_value) MUST_CHECK;
bool dynamo_get_u64(const struct dynamo_item *item, const char *name, uint64_t *ret_v) MUST_CHECK;

/* Whether the table says that this attribute has that role or type. */
bool dynamo_table_has(const struct dynamo_table *t, const char *name, const char *role) MUST_CHECK;

/* What is to be done about an answer. */
enum dynamo_verdict {
    DYNAMO_FINE,
    DYNAMO_REFUSED,     /* a condition does not hold */
    DYNAMO_AGAIN,       /* worth another try; what was asked may have happened */
    DYNAMO_THROTTLED,   /* the same, slower; it has not happened */
    DYNAMO_CLOCK,       /* our clock differs: try with the answer's Date */
    DYNAMO_CREDENTIALS, /* try once more with fresh ones */
    DYNAMO_WRONG,       /* never will be fine */
};
enum dynamo_verdict dynamo_judge(unsigned status, const struct dynamo_answer *a);

/* Whether x-amz-crc32 (decimal) is that of the body; true without such a header. */
bool dynamo_crc_is(struct str body, struct str header) MUST_CHECK;

/* "name": {"S": value} and its like, in an object that is open. */
void dynamo_put_s(struct json_out *o, const char *name, struct str value);
void dynamo_put_b(struct json_out *o, const char *name, struct str value);
void dynamo_put_u64(struct json_out *o, const char *name, uint64_t value);

/* Any bytes as text that is unambiguous, printable and has no '#': others are
 * written %XX. For partition keys, whose order does not matter. */
void dynamo_escape(struct buf *b, struct str s);

/* Appends what was escaped; false if s is not what dynamo_escape writes. */
bool dynamo_unescape(struct buf *b, struct str s) MUST_CHECK;

#endif
