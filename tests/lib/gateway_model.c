#include "lib/gateway_model.h"

#include "base/frame.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

#include <stdlib.h>

#define OPEN_MAX 64
#define ID_MAX 24
#define TIMEOUT_MS 1000 /* of a poster, when nothing is answered */

struct gateway_model {
    struct io *io;
    struct wheel *wheel;
    struct rng rng;
    struct gateway_model_faults faults;
    gateway_model_f *arrived;
    void *ctx;
    char open[OPEN_MAX][ID_MAX];
    unsigned flying_n;
    struct list flights;
};

struct model_poster {
    struct poster poster;
    struct gateway_model *model;
    struct io *home;
    bool cut;
    unsigned asked_n; /* posts that were not answered yet */
};

/* A post on its way; it may outlive who asked for it. */
struct flight {
    struct list node;
    struct io_mail mail, back;
    struct model_poster *from; /* NULL: nobody waits for the answer any more */
    struct poster_req *req;
    struct wheel_timer arrive, arrive_again, answer;
    unsigned holds; /* timers and mail under way */
    unsigned status;
    bool ends; /* a DELETE */
    char id[ID_MAX];
    struct frame *body;
    struct gateway_model *model;
};

static bool chance(struct gateway_model *m, unsigned per_mille)
{
    return per_mille > 0 && rng_chance(&m->rng, per_mille);
}

static uint64_t up_to(struct gateway_model *m, unsigned ms)
{
    return ms > 0 ? rng_below(&m->rng, ms + 1) : 0;
}

static char *find_open(struct gateway_model *m, struct str id)
{
    for (unsigned i = 0; i < OPEN_MAX; i++)
        if (str_eq(str_of(m->open[i]), id))
            return m->open[i];
    return NULL;
}

static void release(struct flight *f)
{
    if (--f->holds > 0)
        return;
    list_remove(&f->node);
    f->model->flying_n--;
    frame_unref(f->body);
    free(f);
}

static void answered(struct io_mail *mail)
{
    struct flight *f = CONTAINER_OF(mail, struct flight, back);
    struct poster_req *req = f->req;

    f->from->asked_n--;
    f->from = NULL;
    req->ret_status = f->status;
    release(f);
    req->done(req);
}

/* Tells who asked, who is told of the first thing only. */
static void answer(struct flight *f, unsigned status)
{
    if (f->req == NULL || f->back.deliver != NULL)
        return;
    f->status = status;
    f->back.deliver = answered;
    f->holds++;
    io_post(f->from->home, &f->back, &f->back);
}

static void answer_due(struct wheel_timer *t)
{
    struct flight *f = CONTAINER_OF(t, struct flight, answer);

    answer(f, f->status);
    release(f);
}

static void arrive(struct flight *f)
{
    struct gateway_model *m = f->model;

    if (find_open(m, str_of(f->id)) != NULL)
        m->arrived(m->ctx, str_of(f->id), frame_str(f->body));
    release(f);
}

static void arrive_due(struct wheel_timer *t)
{
    arrive(CONTAINER_OF(t, struct flight, arrive));
}

static void arrive_again_due(struct wheel_timer *t)
{
    arrive(CONTAINER_OF(t, struct flight, arrive_again));
}

static void plan(struct flight *f, struct wheel_timer *t, uint64_t in_ms)
{
    f->holds++;
    wheel_set(f->model->wheel, t, io_now_ms(f->model->io) + in_ms);
}

/* What will become of it. */
static void fly(struct flight *f)
{
    struct gateway_model *m = f->model;
    uint64_t there_ms = up_to(m, m->faults.latency_ms), back_ms = up_to(m, m->faults.latency_ms);
    bool arrives = true;

    f->status = 200;
    if (find_open(m, str_of(f->id)) == NULL) {
        f->status = 410;
        arrives = false;
    } else if (f->ends) {
        gateway_model_close(m, str_of(f->id));
        arrives = false;
    } else if (m->faults.frame_max > 0 && f->body->n > m->faults.frame_max) {
        f->status = 413;
        arrives = false;
    } else if (chance(m, m->faults.throttle)) {
        f->status = 429;
        arrives = false;
    } else if (chance(m, m->faults.gone)) {
        f->status = 410;
        arrives = chance(m, 500);
    } else if (chance(m, m->faults.fail)) {
        f->status = 500;
        arrives = chance(m, 500);
    } else if (chance(m, m->faults.lost)) {
        f->status = 0;
    } else if (chance(m, m->faults.dropped)) {
        f->status = 0;
        arrives = false;
    } else if (chance(m, m->faults.late)) {
        f->status = 0;
        there_ms += up_to(m, m->faults.late_ms);
    }
    if (arrives)
        plan(f, &f->arrive, there_ms);
    if (arrives && chance(m, m->faults.twice))
        plan(f, &f->arrive_again, there_ms + up_to(m, m->faults.late_ms));
    plan(f, &f->answer, f->status == 0 ? TIMEOUT_MS : there_ms + 1 + back_ms);
}

static void flown(struct io_mail *mail)
{
    struct flight *f = CONTAINER_OF(mail, struct flight, mail);

    fly(f);
    release(f);
}

static void model_post(struct poster *p, struct poster_req *req)
{
    struct model_poster *from = CONTAINER_OF(p, struct model_poster, poster);
    struct flight *f = mem_zeroed(1, sizeof(*f));

    assert(req->id.n < ID_MAX && req->body.n <= 128 * 1024);
    f->model = from->model;
    f->from = from;
    f->req = req;
    f->holds = 1;
    memcpy(f->id, req->id.p, req->id.n);
    f->body = frame_copy(req->body);
    f->ends = req->ends;
    f->arrive.fire = arrive_due;
    f->arrive_again.fire = arrive_again_due;
    f->answer.fire = answer_due;
    f->mail.deliver = flown;
    from->asked_n++;
    from->model->flying_n++;
    list_push(&from->model->flights, &f->node);
    if (from->cut) { /* it never left */
        answer(f, 0);
        release(f);
        return;
    }
    io_post(from->model->io, &f->mail, &f->mail);
}

static const struct poster_ops model_ops = {.post = model_post};

struct poster *gateway_model_poster(struct gateway_model *m, struct io *home)
{
    struct model_poster *p = mem_zeroed(1, sizeof(*p));

    p->poster.ops = &model_ops;
    p->model = m;
    p->home = home;
    return &p->poster;
}

void gateway_model_cut(struct poster *p)
{
    struct model_poster *from = CONTAINER_OF(p, struct model_poster, poster);
    struct list *flights = &from->model->flights;

    from->cut = true;
    for (struct list *at = flights->next; at != flights; at = at->next) {
        struct flight *f = CONTAINER_OF(at, struct flight, node);

        if (f->from == from)
            answer(f, 0);
    }
}

void gateway_model_drop(struct poster *p)
{
    struct model_poster *from = CONTAINER_OF(p, struct model_poster, poster);

    assert(from->asked_n == 0);
    free(from);
}

struct gateway_model *gateway_model_new(struct io *io, struct wheel *wheel, uint64_t seed,
                                        gateway_model_f *arrived, void *ctx)
{
    struct gateway_model *m = mem_zeroed(1, sizeof(*m));

    m->io = io;
    m->wheel = wheel;
    m->arrived = arrived;
    m->ctx = ctx;
    rng_init(&m->rng, seed);
    list_init(&m->flights);
    return m;
}

void gateway_model_set(struct gateway_model *m, struct gateway_model_faults faults)
{
    m->faults = faults;
}

unsigned gateway_model_flying(const struct gateway_model *m)
{
    return m->flying_n;
}

void gateway_model_free(struct gateway_model *m)
{
    assert(m == NULL || m->flying_n == 0);
    free(m);
}

void gateway_model_open(struct gateway_model *m, struct str id)
{
    char *place = find_open(m, (struct str){0});

    assert(place != NULL && id.n < ID_MAX);
    memcpy(place, id.p, id.n);
    place[id.n] = '\0';
}

void gateway_model_close(struct gateway_model *m, struct str id)
{
    char *place = find_open(m, id);

    if (place != NULL)
        place[0] = '\0';
}

bool gateway_model_is_open(struct gateway_model *m, struct str id)
{
    return find_open(m, id) != NULL;
}
