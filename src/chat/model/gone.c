#include "chat/model/gone.h"

#include "base/mem.h"
#include "base/varint.h"

#include <stdlib.h>

#define CAP_MIN 8

void gone_init(struct gone *g)
{
    *g = (struct gone){0};
}

void gone_fini(struct gone *g)
{
    free(g->seqs);
    gone_init(g);
}

/* Where the first behind seq is. */
static unsigned gone_find(const struct gone *g, uint64_t seq)
{
    unsigned from = 0, to = g->n;

    while (from < to) {
        unsigned mid = from + (to - from) / 2;

        if (g->seqs[mid] > seq)
            to = mid;
        else
            from = mid + 1;
    }
    return from;
}

static void gone_grow(struct gone *g)
{
    assert(g->n == g->cap && g->cap < GONE_SEQS_MAX);
    g->cap = g->cap == 0 ? CAP_MIN : MIN(g->cap * 2, (unsigned)GONE_SEQS_MAX);
    g->seqs = mem_resize(g->seqs, g->cap * sizeof(*g->seqs));
}

void gone_add(struct gone *g, uint64_t seq)
{
    unsigned at = gone_find(g, seq);

    if (at > 0 && g->seqs[at - 1] == seq)
        return;
    if (g->n == GONE_SEQS_MAX) { /* the oldest makes room, or is seq itself */
        if (at == 0)
            return;
        at--;
        memmove(g->seqs, g->seqs + 1, at * sizeof(*g->seqs));
    } else {
        if (g->n == g->cap)
            gone_grow(g);
        memmove(g->seqs + at + 1, g->seqs + at, (g->n - at) * sizeof(*g->seqs));
        g->n++;
    }
    assert(at < g->n && g->n <= g->cap);
    g->seqs[at] = seq;
}

void gone_apply(struct gone *g, const struct entry *e)
{
    struct str rest = e->redacts;
    uint64_t seq;

    if (e->kind == ENTRY_DELETE)
        gone_add(g, e->target);
    if (e->kind == ENTRY_PURGE)
        for (uint64_t n = 0; n < e->reply_to && varint_get(&rest, &seq); n++)
            gone_add(g, seq);
}

unsigned gone_after(const struct gone *g, uint64_t seq)
{
    return g->n - gone_find(g, seq);
}

void gone_encode(const struct gone *g, struct json_out *o)
{
    uint64_t last = 0;

    json_out_array(o);
    for (unsigned i = 0; i < g->n; i++) {
        json_out_u64(o, g->seqs[i] - last);
        last = g->seqs[i];
    }
    json_out_array_end(o);
}

bool gone_decode(struct gone *g, struct json *j)
{
    uint64_t last = 0;
    enum json_token t;

    while ((t = json_next(j)) != JSON_ARRAY_END) {
        if (t != JSON_INT || j->i64 <= 0 || (uint64_t)j->i64 > UINT64_MAX - last)
            return false;
        last += (uint64_t)j->i64;
        gone_add(g, last);
    }
    return true;
}
