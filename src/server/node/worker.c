#include "server/node/worker.h"

#include "base/mem.h"
#include "base/siphash.h"
#include "chat/room/owner.h"
#include "server/node/node.h"

#include <stdalign.h>
#include <stdlib.h>

struct mail_run {
    struct io_mail mail;
    struct worker *to;
    worker_run_f *run;
    alignas(max_align_t) uint8_t arg[];
};

/* What the owner of a room is told by a worker of followers. */
struct told_of_room {
    unsigned from, n;
    size_t room_n;
    uint8_t room[KEYS_ROOM_MAX];
    struct presence_person *people; /* one block with their names, or NULL */
};

struct worker *worker_at(const struct worker *w, unsigned i)
{
    assert(i < w->server->workers_n);
    return &w->server->workers[i];
}

void worker_mail(struct worker *w, unsigned to, struct io_mail *mail)
{
    assert(to < w->server->workers_n && mail->deliver != NULL);
    mail->next = NULL;
    metrics_add(w->metrics, METRIC_mails, 1);
    if (w->out_last[to] == NULL)
        w->out_first[to] = mail;
    else
        w->out_last[to]->next = mail;
    w->out_last[to] = mail;
}

static void run_arrived(struct io_mail *mail)
{
    struct mail_run *m = CONTAINER_OF(mail, struct mail_run, mail);

    m->run(m->to, m->arg);
    free(m);
}

void worker_run(struct worker *w, unsigned to, worker_run_f *run, const void *arg, size_t n)
{
    struct mail_run *m = mem_bytes(sizeof(*m) + n);

    *m = (struct mail_run){.mail.deliver = run_arrived, .to = worker_at(w, to), .run = run};
    memcpy(m->arg, arg, n);
    worker_mail(w, to, &m->mail);
}

void worker_post(struct worker *w)
{
    for (unsigned i = 0; i < w->server->workers_n; i++) {
        if (w->out_first[i] == NULL)
            continue;
        assert(w->out_last[i] != NULL);
        io_post(worker_at(w, i)->io, w->out_first[i], w->out_last[i]);
        w->out_first[i] = w->out_last[i] = NULL;
    }
}

uint64_t worker_sockets(const struct server *s)
{
    const struct metrics *sets[WORKERS_MAX];

    assert(s->workers_n <= WORKERS_MAX);
    for (unsigned i = 0; i < s->workers_n; i++)
        sets[i] = s->workers[i].metrics;
    return metrics_sum(sets, s->workers_n, METRIC_open_ws) +
           metrics_sum(sets, s->workers_n, METRIC_open_sio) +
           metrics_sum(sets, s->workers_n, METRIC_open_tail) +
           metrics_sum(sets, s->workers_n, METRIC_open_gw);
}

/* Calls: to the room's owner and back. */

unsigned worker_of_room(const struct worker *w, struct str room)
{
    assert(room.n > 0);
    if (w->server->workers_n == 1)
        return 0;
    return (unsigned)(siphash(w->server->hash_key, room) % w->server->workers_n);
}

static void call_back(struct io_mail *mail)
{
    struct call *call = CONTAINER_OF(mail, struct call, mail);

    call->returned(call);
}

/* On the owner's loop. */
static void call_done(struct call *call)
{
    struct worker *at = call->router;

    if (call->worker == at->index) {
        call->returned(call);
        return;
    }
    call->mail.deliver = call_back;
    worker_mail(at, call->worker, &call->mail);
}

static void call_arrived(struct io_mail *mail)
{
    struct call *call = CONTAINER_OF(mail, struct call, mail);
    struct worker *at = call->router;

    owner_run(&at->owner, call->routed_to, call);
}

void worker_route(struct worker *w, struct call *call, struct str room)
{
    unsigned to = worker_of_room(w, room);

    assert(room.n > 0 && room.n <= KEYS_ROOM_MAX && call->returned != NULL);
    call->worker = w->index;
    call->router = worker_at(w, to);
    call->done = call_done;
    if (to == w->index) {
        owner_run(&w->owner, room, call);
        return;
    }
    memcpy(call->route, room.p, room.n);
    call->routed_to = (struct str){(const uint8_t *)call->route, room.n};
    call->mail.deliver = call_arrived;
    worker_mail(w, to, &call->mail);
}

/* What the owners of rooms are told by the workers of followers. */

static void unfollow_arrived(struct worker *to, const void *arg)
{
    const struct told_of_room *t = arg;

    owner_unfollow(&to->owner, (struct str){t->room, t->room_n}, t->from);
}

static void tell_owner(struct worker *w, struct str room, worker_run_f *run, struct told_of_room *t)
{
    assert(room.n <= KEYS_ROOM_MAX);
    t->from = w->index;
    t->room_n = room.n;
    memcpy(t->room, room.p, room.n);
    worker_run(w, worker_of_room(w, room), run, t, sizeof(*t));
}

void worker_unfollowed(struct worker *w, struct str room)
{
    struct told_of_room t = {0};

    if (worker_of_room(w, room) == w->index)
        owner_unfollow(&w->owner, room, w->index);
    else
        tell_owner(w, room, unfollow_arrived, &t);
}

static void presence_arrived(struct worker *to, const void *arg)
{
    const struct told_of_room *t = arg;

    owner_present(&to->owner, (struct str){t->room, t->room_n}, t->from, t->n, t->people);
    free(t->people);
}

void worker_present(struct worker *w, struct str room, struct presence_person *people, unsigned n)
{
    struct told_of_room t = {.n = n, .people = people};

    assert(people != NULL || n > 0);
    tell_owner(w, room, presence_arrived, &t);
}
