#include "serverless/loss.h"

#include "base/entry.h"
#include "base/str.h"

#define PAGE 256
#define PAGE_BYTES (256 * 1024)

static struct loss *loss_of(struct store_req *req)
{
    return CONTAINER_OF(req, struct loss, q.req);
}

static void loss_end(struct loss *l, enum store_result result)
{
    access_fini(&l->access);
    l->ret_result = result;
    l->done(l);
}

static void judge(struct loss *l, uint64_t from, uint64_t to)
{
    uint64_t wall = store_wall_ms(l->store, l->home);

    for (unsigned i = 0; i < l->members_n; i++) {
        struct loss_member *m = &l->members[i];

        if (m->seq >= from && m->seq <= to)
            m->lost = m->kick || access_read(&l->access, m->user, false, wall) != ERROR_NONE;
    }
}

static uint64_t last_seq(const struct loss *l)
{
    return l->members_n > 0 ? MAX(l->members[l->members_n - 1].seq, l->base) : l->base;
}

/* The state is that behind base, or behind what the record reflects. */
static void tell_reached(struct loss *l)
{
    if (l->told || l->at < l->base)
        return;
    l->told = true;
    l->reached(l);
}

static void read_next(struct loss *l);

static void entries_read(struct store_req *req)
{
    struct loss *l = loss_of(req);
    uint64_t at_before = l->at;
    struct store_item item;
    struct entry e;
    size_t at = 0;

    if (req->result != STORE_OK) {
        loss_end(l, req->result);
        return;
    }
    while (store_block_next(l->q.read.ret_block, &at, &item) && item.key <= last_seq(l)) {
        l->at = item.key;
        if (entry_decode(item.body, &e) == ENTRY_OK && access_apply(&l->access, &e))
            judge(l, l->at, l->at);
        tell_reached(l);
    }
    frame_unref(l->q.read.ret_block);
    if (l->at == at_before) /* the log is shorter than what is said of it */
        loss_end(l, STORE_FAILED);
    else if (l->at < last_seq(l))
        read_next(l);
    else
        loss_end(l, STORE_OK);
}

static void read_next(struct loss *l)
{
    l->q.read = (struct store_read){.req = {.home = l->home, .done = entries_read},
                                    .room = l->room,
                                    .from = l->at + 1,
                                    .count_max = PAGE,
                                    .bytes_max = PAGE_BYTES};
    store_read(l->store, &l->q.read);
}

static void record_read(struct store_req *req);

static void read_record(struct loss *l, struct str sk)
{
    l->q.get = (struct store_get){.req = {.home = l->home, .done = record_read},
                                  .pk = keys_of_room(l->room, l->pk),
                                  .sk = sk};
    store_get(l->store, &l->q.get);
}

static void record_read(struct store_req *req)
{
    struct loss *l = loss_of(req);
    struct frame *body = l->q.get.ret_body;
    bool old = str_eq(l->q.get.sk, KEYS_ACCESS);
    struct gone gone;

    if (req->result != STORE_OK) {
        loss_end(l, req->result);
        return;
    }
    if (body == NULL && !old) {
        read_record(l, KEYS_ACCESS);
        return;
    }
    gone_init(&gone);
    if (body != NULL && !access_decode(&l->access, &gone, frame_str(body), &l->at)) {
        access_fini(&l->access); /* broken: the log is the truth */
        access_init(&l->access, l->room);
        l->at = 0;
    }
    gone_fini(&gone);
    frame_unref(body);
    l->reflected = l->at;
    judge(l, 1, l->at);
    tell_reached(l);
    if (l->at < last_seq(l))
        read_next(l);
    else
        loss_end(l, STORE_OK);
}

void loss_clear(struct loss *l)
{
    l->members_n = 0;
}

void loss_add(struct loss *l, uint64_t user, uint64_t seq, bool kick)
{
    assert(l->members_n < LOSS_MAX);
    assert(l->members_n == 0 || seq > l->members[l->members_n - 1].seq);
    l->members[l->members_n++] = (struct loss_member){.user = user, .seq = seq, .kick = kick};
}

void loss_start(struct loss *l, uint64_t base)
{
    assert(l->reached != NULL && l->done != NULL);
    l->base = base;
    l->at = 0;
    l->told = false;
    access_init(&l->access, l->room);
    read_record(l, KEYS_STATE);
}

bool loss_reads(const struct loss *l, uint64_t user)
{
    return access_read(&l->access, user, false, store_wall_ms(l->store, l->home)) == ERROR_NONE;
}

uint64_t loss_known(const struct loss *l)
{
    return l->at;
}

struct loss_range loss_find(const struct loss *l, uint64_t user, uint64_t since, uint64_t last)
{
    struct loss_range r = {0};

    for (unsigned i = 0; i < l->members_n; i++) {
        const struct loss_member *m = &l->members[i];

        if (m->user != user || m->seq <= since)
            continue;
        r.told = true;
        if (!m->lost)
            continue;
        if (r.end > 0 && m->seq > l->reflected)
            break;
        r.from = r.end > 0 ? m->seq : 0;
        r.end = m->seq;
    }
    r.unsure = r.end > 0 && r.end <= l->reflected && l->reflected > last;
    if (r.unsure)
        r.from = r.end;
    return r;
}
