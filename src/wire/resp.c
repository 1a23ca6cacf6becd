#include "wire/resp.h"

#include "base/mem.h"
#include "base/str.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

/* How deep arrays may stand in arrays: 0.14 of hiredis had this limit, 1.x has none. */
enum { DEPTH_MAX = 9 };

/* Bytes of one unfinished reply. */
#define PENDING_MAX (2u * RESP_STRING_MAX)

/* How hiredis counts the elements of an array: 1.x otherwise than 0.14. */
#if HIREDIS_MAJOR >= 1
typedef size_t elements_t;
#else
typedef int elements_t;
#endif

struct resp_reader {
    redisReader *hiredis;
};

void resp_command(struct buf *b, const struct str *words, unsigned n)
{
    buf_printf(b, "*%u\r\n", n);
    for (unsigned i = 0; i < n; i++) {
        buf_printf(b, "$%zu\r\n", words[i].n);
        buf_append(b, words[i]);
        buf_append(b, STR("\r\n"));
    }
}

/* What hiredis' reader calls: NULL ends it with an error. Elements are told after the
 * array that they are in. */

static struct resp_reply *reply_new(const redisReadTask *task, enum resp_type type, size_t room)
{
    struct resp_reply *r = mem_zeroed(1, sizeof(*r) + room);

    r->type = type;
    if (task->parent != NULL) {
        struct resp_reply *array = task->parent->obj;

        array->elements[task->idx] = r;
    }
    return r;
}

static void *make_string(const redisReadTask *task, char *p, size_t n)
{
    struct resp_reply *r;

    if (n > RESP_STRING_MAX)
        return NULL;
    r = reply_new(task, task->type == REDIS_REPLY_ERROR ? RESP_ERROR : RESP_STRING, n);
    if (n > 0)
        memcpy(r + 1, p, n);
    r->str = (struct str){(const uint8_t *)(r + 1), n};
    return r;
}

static unsigned depth_of(const redisReadTask *task)
{
    unsigned depth = 1;

    while ((task = task->parent) != NULL)
        depth++;
    return depth;
}

static void *make_array(const redisReadTask *task, elements_t elements)
{
    size_t n = (size_t)elements, max = task->parent == NULL ? RESP_ELEMENTS_MAX : RESP_INNER_MAX;
    struct resp_reply *r;

    if (n > max || depth_of(task) > DEPTH_MAX) /* a number below 0 is above max, too */
        return NULL;
    r = reply_new(task, RESP_ARRAY, n * sizeof(*r->elements));
    r->n = (unsigned)n;
    r->elements = (struct resp_reply **)(r + 1);
    return r;
}

static void *make_integer(const redisReadTask *task, long long v)
{
    struct resp_reply *r = reply_new(task, RESP_INT, 0);

    r->i64 = v;
    return r;
}

static void *make_nil(const redisReadTask *task)
{
    return reply_new(task, RESP_NIL, 0);
}

/* An array that ended early has places without an element. Nesting is bounded
 * by DEPTH_MAX. */
static void free_reply(void *p)
{
    struct resp_reply *r = p;

    for (unsigned i = 0; r != NULL && r->type == RESP_ARRAY && i < r->n; i++)
        free_reply(r->elements[i]);
    free(r);
}

static redisReplyObjectFunctions functions = {
    .createString = make_string,
    .createArray = make_array,
    .createInteger = make_integer,
    .createNil = make_nil,
    .freeObject = free_reply,
};

struct resp_reader *resp_reader_new(void)
{
    struct resp_reader *r = mem_zeroed(1, sizeof(*r));

    r->hiredis = redisReaderCreateWithFunctions(&functions);
    if (r->hiredis == NULL)
        abort();
    return r;
}

void resp_reader_free(struct resp_reader *r)
{
    if (r == NULL)
        return;
    redisReaderFree(r->hiredis);
    free(r);
}

void resp_feed(struct resp_reader *r, struct str bytes)
{
    /* An error stays with the reader, and is told by resp_next. */
    (void)redisReaderFeed(r->hiredis, (const char *)bytes.p, bytes.n);
}

enum resp_result resp_next(struct resp_reader *r, struct resp_reply **ret_reply)
{
    void *reply = NULL;

    if (redisReaderGetReply(r->hiredis, &reply) != REDIS_OK)
        return RESP_BAD;
    if (reply == NULL) /* what is announced, and never comes, must not pile up */
        return r->hiredis->len - r->hiredis->pos > PENDING_MAX ? RESP_BAD : RESP_MORE;
    *ret_reply = reply;
    return RESP_OK;
}

void resp_reply_free(struct resp_reply *reply)
{
    free_reply(reply);
}

bool resp_is(const struct resp_reply *reply, const char *s)
{
    return (reply->type == RESP_STRING || reply->type == RESP_ERROR) &&
           str_eq(reply->str, str_of(s));
}
