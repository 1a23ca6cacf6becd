/* Any bytes as an event of API Gateway: what is taken keeps its bounds, can be a key and an
 * address, and what is answered to it is JSON. */
#include "base/json.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "serverless/gateway_event.h"
#include "serverless/rows.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_pairs(const struct gateway_event_pairs *pairs)
{
    assert(pairs->n <= GATEWAY_EVENT_PAIRS_MAX);
    for (unsigned i = 0; i < pairs->n; i++)
        (void)gateway_event_find(pairs, pairs->at[i].name);
}

static void check_answer(const struct gateway_event *e)
{
    struct buf b CLEANUP(buf_fini);
    struct json j;

    buf_init(&b, 8 << 20);
    gateway_event_answer(200, gateway_event_find(&e->headers, STR("sec-websocket-protocol")),
                         e->reason, &b);
    assert(!b.failed);
    json_init(&j, (uint8_t *)(uintptr_t)buf_peek(&b).p, buf_len(&b), 4);
    assert(json_next(&j) == JSON_OBJECT && json_skip(&j, JSON_OBJECT));
}

static void check(const struct gateway_event *e)
{
    struct buf b CLEANUP(buf_fini);
    char key[KEYS_MAX];

    buf_init(&b, 4096);
    check_pairs(&e->headers);
    check_pairs(&e->query);
    check_pairs(&e->principal);
    check_answer(e);
    if (e->kind == GATEWAY_EVENT_DELIVER) {
        (void)keys_of_shard(e->room, e->shard, key);
        return;
    }
    (void)keys_of_conn(e->connection, key);
    gateway_event_base(e, &b);
    assert(rows_is_base(buf_peek(&b)));
    assert(e->body.n <= GATEWAY_EVENT_BODY_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    struct gateway_event *e = malloc(sizeof(*e));
    enum gateway_event_result r;

    assert(copy != NULL && e != NULL);
    if (n > 0)
        memcpy(copy, data, n);
    r = gateway_event_read(copy, n, e);
    assert(gateway_event_code(r) != NULL);
    if (r == GATEWAY_EVENT_OK)
        check(e);
    free(copy);
    free(e);
    return 0;
}
