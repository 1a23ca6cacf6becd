#include "migrate/migrate_impl.h"

#include <stdlib.h>

#define PAGE_BYTES (256 * 1024)

static void read_entries(struct migrate_lane *l);
static void read_states(struct migrate_lane *l);

static void migrate_sum_add(struct migrate_sum *s, const void *p, size_t n)
{
    if (EVP_DigestUpdate(s->ctx, p, n) != 1)
        abort();
}

/* Items with their keys and lengths, so that no two sequences look the same. */
static void add_items(struct migrate_sum *s, const struct frame *block)
{
    struct store_item item;
    size_t at = 0;

    while (store_block_next(block, &at, &item)) {
        uint64_t head[2] = {item.key, item.body.n};

        migrate_sum_add(s, head, sizeof(head));
        if (item.body.n > 0)
            migrate_sum_add(s, item.body.p, item.body.n);
    }
}

static void migrate_sum_finish(struct migrate_lane *l)
{
    if (EVP_DigestFinal_ex(l->sum.ctx, l->sum.ret, NULL) != 1)
        abort();
    migrate_sum_fini(l);
    l->sum.then(l);
}

static void states_read(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);

    if (!migrate_answered(l, l->sum.side))
        return;
    add_items(&l->sum, l->q.amends.ret_block);
    frame_unref(l->q.amends.ret_block);
    l->sum.at += MIGRATE_BATCH_MAX;
    read_states(l);
}

static void read_states(struct migrate_lane *l)
{
    struct migrate_sum *s = &l->sum;

    if (s->at > s->head) {
        migrate_sum_finish(l);
        return;
    }
    migrate_ask(l, states_read);
    l->q.amends.room = l->kept.name;
    l->q.amends.from = s->at;
    l->q.amends.to = MIN(s->at + MIGRATE_BATCH_MAX - 1, s->head);
    store_amends(migrate_store(l, s->side), &l->q.amends);
}

static void migrate_sum_entries_read(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);
    unsigned n;

    if (!migrate_answered(l, l->sum.side))
        return;
    n = l->q.read.ret_n;
    add_items(&l->sum, l->q.read.ret_block);
    frame_unref(l->q.read.ret_block);
    if (n == 0) { /* the log ends before its head: the sums will differ */
        l->sum.at = 1;
        read_states(l);
        return;
    }
    l->sum.at += n;
    l->m->progress.done += l->sum.side == MIGRATE_TO ? n : 0;
    read_entries(l);
}

static void read_entries(struct migrate_lane *l)
{
    struct migrate_sum *s = &l->sum;

    if (l->m->stopped) {
        migrate_end(l);
        return;
    }
    if (s->at > s->head) {
        s->at = 1;
        read_states(l);
        return;
    }
    migrate_ask(l, migrate_sum_entries_read);
    l->q.read.room = l->kept.name;
    l->q.read.from = s->at;
    l->q.read.count_max = (unsigned)MIN(s->head - s->at + 1, (uint64_t)MIGRATE_BATCH_MAX);
    l->q.read.bytes_max = PAGE_BYTES;
    store_read(migrate_store(l, s->side), &l->q.read);
}

void migrate_sum(struct migrate_lane *l, enum migrate_side side, uint64_t head,
                 migrate_lane_f *then)
{
    l->sum = (struct migrate_sum){.side = side, .head = head, .at = 1, .then = then};
    l->sum.ctx = EVP_MD_CTX_new();
    if (l->sum.ctx == NULL || EVP_DigestInit_ex(l->sum.ctx, EVP_sha256(), NULL) != 1)
        abort();
    read_entries(l);
}

void migrate_sum_fini(struct migrate_lane *l)
{
    EVP_MD_CTX_free(l->sum.ctx);
    l->sum.ctx = NULL;
}
