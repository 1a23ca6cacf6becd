/* Connections behind API Gateway, and their homes: nodes crash and drain, posts are lost, late,
 * doubled, throttled and answered by 410 though the connection lives, events come twice. Every
 * client is shown the room's entries without a gap, and in the end all of them; what was
 * acknowledged is there once. */
#include "base/mem.h"
#include "base/str.h"
#include "lib/check.h"
#include "lib/gateway_model.h"
#include "lib/sim_scene.h"
#include "server/conn/exchange.h"
#include "server/gw/door_gw.h"
#include "server/gw/gw_outlet.h"
#include "server/gw/gw_seek.h"
#include "server/sio/eio_answer.h"

#include <string.h>

enum {
    PEOPLE = 4,
    EVENTS = 20000,
    POSTERS = 16,
    PINGS = 8,
    SPREAD = 300, /* ms, in which homes are given away */
    WORKERS = 2,
    ENTRIES = 4096,
    TIMEOUT_MS = 29000,
    AGAIN_MS = 20000,
    LIMIT_MS = 600000,
    TURNS_MAX = 1000, /* a second; fewer than 300 were ever seen */
};

enum step { CONNECTS, LOGS_IN, JOINS, TALKS };

struct human {
    char id[16];
    enum step step;
    bool waits, quiet;
    bool takes_much; /* its home has no memory for it */
    bool moves;      /* another home has it */
    bool silent;     /* from the join on it says nothing at all: no frame of it finds a home */
    uint64_t asked_ms, due_ms, joined_ms;
    unsigned asked; /* the number of the event that it waits for */
    uint64_t max;   /* shown up to here */
    unsigned cid;
};

/* An event on its way to a node, and its answer. */
struct told {
    struct exchange x;
    struct io_mail mail, back;
    struct buf bytes, answer;
    unsigned human;
    bool over, repeat;
};

static struct sim_scene scene;
static struct io_host *host;
static struct io *io;
static struct wheel wheel;
static struct rng rng;
static struct gateway_model *model;
static struct poster *posters[POSTERS];
static unsigned posters_n, told_n, duplicate;
static struct told *told[EVENTS];
static struct human people[PEOPLE];
static bool acked[ENTRIES], over, ended;
static uint64_t head, split_n, begun_s;

static uint64_t now_ms(void)
{
    return io_now_ms(io);
}

/* The way out. */

static struct poster *outlet_open(struct gw_outlet *o, struct io *home)
{
    (void)o;
    assert_true(posters_n < POSTERS);
    return posters[posters_n++] = gateway_model_poster(model, home);
}

static void outlet_close(struct gw_outlet *o, struct poster *p)
{
    (void)o;
    gateway_model_drop(p);
}

static const char *outlet_error(const struct poster *p)
{
    (void)p;
    return "";
}

static struct gw_outlet outlet = {outlet_open, outlet_close, outlet_error};

/* What a client is shown. */

static bool has(struct str s, const char *part)
{
    return memmem(s.p, s.n, part, strlen(part)) != NULL;
}

static uint64_t number_behind(struct str s, const char *part)
{
    const uint8_t *at = memmem(s.p, s.n, part, strlen(part));
    uint64_t v = 0;

    if (at == NULL)
        return 0;
    for (at += strlen(part); at < s.p + s.n && *at >= '0' && *at <= '9'; at++)
        v = v * 10 + (uint64_t)(*at - '0');
    return v;
}

static void show(struct human *h, struct str event)
{
    uint64_t seq = number_behind(event, "\"seq\":");

    if (str_starts(event, STR("\"event\":\"behind\"")))
        h->max = MAX(h->max, number_behind(event, "\"to\":")); /* it was announced */
    if (!has(event, "\"room\":\"general\"") || !(str_starts(event, STR("\"event\":\"message\"")) ||
                                                 str_starts(event, STR("\"event\":\"room\"")) ||
                                                 str_starts(event, STR("\"event\":\"member\""))))
        return;
    if (seq > h->max + 1)
        fail_msg("%s is shown %llu behind %llu", h->id, (unsigned long long)seq,
                 (unsigned long long)h->max);
    h->max = MAX(h->max, seq);
}

static void model_arrived(void *ctx, struct str id, struct str body)
{
    static const char mark[] = "\"event\":\"";
    struct human *h = NULL;

    (void)ctx;
    for (unsigned i = 0; i < PEOPLE; i++)
        if (str_eq(str_of(people[i].id), id))
            h = &people[i];
    while (h != NULL && body.n > 0) {
        const uint8_t *at = memmem(body.p, body.n, mark, strlen(mark)), *next;

        if (at == NULL)
            return;
        body = str_skip(body, (size_t)(at - body.p));
        next = memmem(body.p + 1, body.n - 1, mark, strlen(mark));
        show(h, (struct str){body.p, next != NULL ? (size_t)(next - body.p) : body.n});
        body = str_skip(body, next != NULL ? (size_t)(next - body.p) : body.n);
    }
}

/* Events to a node, and back. */

static void took_answer(struct human *h, struct str body)
{
    uint64_t seq = number_behind(body, "\"ok\":{\"seq\":");

    if (h->step == TALKS && seq > 0) {
        assert_true(seq < ENTRIES && !acked[seq]);
        acked[seq] = true;
        head = MAX(head, seq);
    } else if (has(body, "\"unauthenticated\"")) {
        h->step = LOGS_IN;
    } else if (h->step == CONNECTS || has(body, "\"ok\":")) {
        h->joined_ms = h->step == JOINS ? now_ms() : h->joined_ms;
        h->step = h->step < TALKS ? h->step + 1 : TALKS;
    } else if (h->step == LOGS_IN && has(body, "\"already_authenticated\"")) {
        h->step = JOINS;
    }
}

static void came_back(struct io_mail *mail)
{
    struct told *e = CONTAINER_OF(mail, struct told, back);
    struct human *h = &people[e->human];
    struct gw_answer a;

    if (e->repeat || !h->waits || told[h->asked] != e ||
        !gw_event_answer_decode(buf_peek(&e->answer), &a))
        return;
    h->waits = false;
    h->due_ms = now_ms() + rng_below(&rng, 400);
    took_answer(h, a.body);
}

static bool told_is_open(const struct exchange *x)
{
    return !CONTAINER_OF((struct exchange *)(uintptr_t)x, struct told, x)->over;
}

static void told_answer(struct exchange *x, const struct exchange_answer *a)
{
    (void)x;
    (void)a;
    fail_msg("an answer of HTTP");
}

static void told_answer_eio(struct exchange *x, const struct eio_answer *a)
{
    struct told *e = CONTAINER_OF(x, struct told, x);

    if (e->over)
        return;
    e->over = true;
    buf_append(&e->answer, a->body);
    e->back.deliver = came_back;
    io_post(io, &e->back, &e->back);
}

static const struct exchange_ops told_ops = {.name = "told",
                                             .is_open = told_is_open,
                                             .answer = told_answer,
                                             .watch = exchange_ignore,
                                             .released = exchange_ignore};

static void told_arrived(struct io_mail *mail)
{
    struct told *e = CONTAINER_OF(mail, struct told, mail);
    struct gw_event event;
    struct conn *c;

    assert_true(gw_event_decode(buf_peek(&e->bytes), &event));
    if (lifecycle_at(&e->x.worker->life) >= LIFE_CLOSING)
        return;
    gw_seek_take(&e->x, &event);
    c = door_gw_find(e->x.worker, event.id);
    if (c != NULL && c->state == CONN_OPEN) /* as if its auth had said so */
        gw_conn_of(c)->array = e->human % 2 == 0;
    if (c != NULL && people[e->human].takes_much)
        conn_fail(c, METRIC_close_memory);
    else if (c != NULL && people[e->human].moves)
        conn_drop(c, METRIC_close_moved);
}

static struct server *some_node(void)
{
    unsigned n = scene.nodes_n, at = (unsigned)rng_below(&rng, n);

    for (unsigned i = 0; i < n; i++) {
        struct sim_node *node = scene.nodes[(at + i) % n];

        if (node->serving && !node->crashed && lifecycle_at(&node->server->life) < LIFE_LEAVING)
            return node->server;
    }
    return NULL;
}

static bool post_event(unsigned human, enum gw_kind kind, struct str body, bool repeat)
{
    struct gw_event event = {.kind = kind,
                             .id = str_of(people[human].id),
                             .base = STR("https://h/p"),
                             .source = STR("10.0.0.1"),
                             .body = body};
    struct server *s = some_node();
    struct told *e;

    if (s == NULL)
        return false;
    assert_true(told_n < EVENTS);
    e = told[told_n++] = mem_zeroed(1, sizeof(*e));
    e->human = human;
    e->repeat = repeat;
    buf_init(&e->bytes, 64 * 1024);
    buf_init(&e->answer, 256 * 1024);
    gw_event_encode(&event, &e->bytes);
    e->x.ops = &told_ops;
    e->x.answer_eio = told_answer_eio;
    e->x.holds = 1; /* until the end */
    e->x.worker = &s->workers[door_gw_worker(&s->workers[0], event.id)];
    e->mail.deliver = told_arrived;
    io_post(e->x.worker->io, &e->mail, &e->mail);
    return true;
}

static void ask(unsigned human)
{
    static const enum gw_kind kinds[] = {GW_CONNECT, GW_MESSAGE, GW_MESSAGE, GW_MESSAGE};
    struct human *h = &people[human];
    char text[512] = "";

    if (h->step == TALKS && h->silent)
        return;
    if (h->step == TALKS && now_ms() > h->joined_ms + AGAIN_MS)
        h->step = JOINS; /* keeps the connection, and finds what was lost */
    if (h->step == TALKS && h->quiet)
        return;
    if (h->step == LOGS_IN)
        (void)snprintf(text, sizeof(text), "{\"action\":\"login\",\"id\":1,\"name\":\"%s\"}",
                       h->id);
    else if (h->step == JOINS)
        (void)snprintf(
            text, sizeof(text),
            "{\"action\":\"join\",\"id\":2,\"room\":\"general\",\"create\":true,\"after\":%llu}",
            (unsigned long long)h->max);
    else if (h->step == TALKS)
        (void)snprintf(text, sizeof(text),
                       "{\"action\":\"send\",\"id\":3,\"room\":\"general\",\"text\":\"x\",\"cid\":"
                       "\"%s%u\",\"seen\":%llu}",
                       h->id, ++h->cid, (unsigned long long)h->max);
    if (!post_event(human, kinds[h->step], str_of(text), false))
        return;
    h->asked = told_n - 1;
    h->waits = true;
    h->asked_ms = now_ms();
    if (rng_chance(&rng, duplicate) && h->step != TALKS)
        (void)post_event(human, kinds[h->step], str_of(text), true);
}

static bool people_turn(void *arg)
{
    (void)arg;
    io_wait(io, MIN(now_ms() + 20, wheel_next_ms(&wheel)));
    wheel_advance(&wheel, now_ms());
    for (unsigned i = 0; i < PEOPLE && !over; i++) {
        struct human *h = &people[i];

        if (h->waits && now_ms() > h->asked_ms + TIMEOUT_MS)
            h->waits = false;
        if (!h->waits && now_ms() >= h->due_ms)
            ask(i);
    }
    ended = over;
    return !over;
}

/* The story. */

static const char *const flags[] = {"--gateway-path=/gw",
                                    "--gateway-secret=a secret of thirty-two characters", NULL};

static void story_begin(uint64_t seed)
{
    memset(people, 0, sizeof(people));
    memset(acked, 0, sizeof(acked));
    posters_n = told_n = duplicate = 0;
    head = 0;
    over = ended = false;
    rng_init(&rng, seed);
    sim_scene_begin(&scene, 2, seed, (struct sim_faults){.latency_ms = 5, .job_ms = 3});
    sim_scene_dynamo(&scene, seed);
    begun_s = sim_now_ms(scene.sim) / 1000;
    scene.outlet = &outlet;
    host = sim_host_new(scene.sim);
    assert_int_equal(host_io_new(host, &io), 0);
    wheel_init(&wheel, io_now_ms(io));
    model = gateway_model_new(io, &wheel, seed, model_arrived, NULL);
    for (unsigned i = 0; i < PEOPLE; i++) {
        (void)snprintf(people[i].id, sizeof(people[i].id), "client%u", i);
        gateway_model_open(model, str_of(people[i].id));
    }
    sim_scene_start(&scene, flags, WORKERS);
    sim_scene_start(&scene, flags, WORKERS);
    while (!scene.nodes[0]->serving || !scene.nodes[1]->serving)
        sim_scene_step(&scene);
    assert_int_equal(host_start(host, io, people_turn, NULL), 0);
}

static void crash(unsigned node)
{
    sim_node_crash(scene.nodes[node]);
    for (unsigned i = node * WORKERS; i < (node + 1) * WORKERS; i++)
        gateway_model_cut(posters[i]);
}

static bool all_shown(void)
{
    for (unsigned i = 0; i < PEOPLE; i++)
        if (people[i].max < head || people[i].waits)
            return false;
    return true;
}

/* A worker that turns without end has a deadline which has passed and which nothing takes away. */
static void nobody_spins(const struct metrics *set)
{
    const struct metrics_hist *h = &set->hists[METRIC_HIST_turn];
    uint64_t seconds = sim_now_ms(scene.sim) / 1000 - begun_s, turns = 0;

    for (size_t i = 0; i < COUNTOF(h->counts); i++)
        turns += h->counts[i];
    if (turns > seconds * TURNS_MAX)
        fail_msg("a worker turned %llu times in %llu s", (unsigned long long)turns,
                 (unsigned long long)seconds);
}

static void story_end(void)
{
    uint64_t until = sim_now_ms(scene.sim) + LIMIT_MS;

    duplicate = 0;
    gateway_model_set(model, (struct gateway_model_faults){.latency_ms = 5});
    for (unsigned i = 0; i < PEOPLE; i++)
        people[i].quiet = true;
    do {
        sim_scene_step(&scene);
        if (sim_now_ms(scene.sim) > until)
            fail_msg("not everybody is shown %llu: %llu %llu %llu %llu", (unsigned long long)head,
                     (unsigned long long)people[0].max, (unsigned long long)people[1].max,
                     (unsigned long long)people[2].max, (unsigned long long)people[3].max);
    } while (!all_shown());
    assert_true(head > 20);
    for (unsigned i = 0; i < scene.nodes_n; i++)
        for (unsigned k = 0; k < WORKERS; k++) {
            const struct metrics *set = scene.nodes[i]->server->workers[k].metrics;

            split_n += metrics_sum(&set, 1, METRIC_gw_posts_big);
            nobody_spins(set);
        }
    for (unsigned i = 0; i < scene.nodes_n; i++)
        sim_node_stop(scene.nodes[i]);
    for (unsigned i = 0; i < scene.nodes_n; i++)
        while (!sim_node_ended(scene.nodes[i]))
            sim_scene_step(&scene);
    while (gateway_model_flying(model) > 0)
        sim_scene_step(&scene);
    over = true;
    while (!ended)
        sim_scene_step(&scene);
    host_join(host);
    gateway_model_free(model);
    io_free(io);
    host_free(host);
    sim_scene_end(&scene);
}

static void story_free(void)
{
    for (unsigned i = 0; i < told_n; i++) {
        buf_fini(&told[i]->bytes);
        buf_fini(&told[i]->answer);
        free(told[i]);
    }
}

static void homes_change(uint64_t seed, struct gateway_model_faults faults)
{
    story_begin(seed);
    sim_scene_pass(&scene, 5000);
    gateway_model_set(model, faults);
    duplicate = 50;
    sim_scene_pass(&scene, 5000 + rng_below(&rng, 10000));
    crash(0);
    sim_scene_pass(&scene, 20000 + rng_below(&rng, 20000));
    sim_scene_start(&scene, flags, WORKERS);
    sim_scene_pass(&scene, 10000 + rng_below(&rng, 10000));
    sim_node_stop(scene.nodes[1]);
    sim_scene_pass(&scene, 20000);
    story_end();
    story_free();
}

/* Frames of several events are too long: they are sent in parts. */
static void frames_are_too_long(void **state)
{
    (void)state;
    split_n = 0;
    CHECK_EACH_SEED (seed, 5)
        homes_change(seed,
                     (struct gateway_model_faults){
                         .frame_max = 450, .throttle = 200, .latency_ms = 100, .late_ms = 1000});
    assert_true(split_n > 0);
}

static void posts_go_wrong(void **state)
{
    (void)state;
    CHECK_EACH_SEED (seed, 5)
        homes_change(seed, (struct gateway_model_faults){.lost = 30,
                                                         .dropped = 30,
                                                         .late = 20,
                                                         .twice = 30,
                                                         .throttle = 50,
                                                         .fail = 30,
                                                         .latency_ms = 30,
                                                         .late_ms = 3000});
}

static void gone_is_said_of_who_lives(void **state)
{
    (void)state;
    CHECK_EACH_SEED (seed, 5)
        homes_change(seed, (struct gateway_model_faults){
                               .gone = 20, .twice = 20, .latency_ms = 20, .late_ms = 1000});
}

/* A node that homes are given to ends without a word while it takes them. */
static void who_takes_them_is_killed(void **state)
{
    (void)state;
    CHECK_EACH_SEED (seed, 20) {
        story_begin(seed);
        sim_scene_pass(&scene, 3000);
        sim_scene_start(&scene, flags, WORKERS);
        sim_scene_pass(&scene, 3000);
        store_fault_set(scene.nodes[2]->faults,
                        (struct store_fault_options){.delay = 700, .turns_max = 300});
        for (unsigned i = 1; i < PEOPLE; i++)
            people[i].silent = true;
        sim_node_stop(scene.nodes[1]);
        sim_scene_pass(&scene, rng_below(&rng, SPREAD));
        crash(2);
        sim_scene_pass(&scene, 30000);
        story_end();
        story_free();
    }
}

/* The store fails now and then while people come to a node that then ends without a word. */
static void who_was_let_in_is_found(void **state)
{
    (void)state;
    CHECK_EACH_SEED (seed, 10) {
        story_begin(seed);
        store_fault_set(scene.nodes[0]->faults,
                        (struct store_fault_options){.fail = 300, .turns_max = 10});
        sim_scene_pass(&scene, 1000);
        store_fault_set(scene.nodes[0]->faults, (struct store_fault_options){0});
        for (unsigned i = 1; i < PEOPLE; i++)
            people[i].silent = true;
        sim_scene_pass(&scene, 5000);
        crash(0);
        sim_scene_pass(&scene, 30000);
        story_end();
        story_free();
    }
}

/* A home that has no memory for a connection ends the client's, which comes again. */
static void who_takes_too_much_is_ended(void **state)
{
    struct human *h = &people[1];

    (void)state;
    CHECK_EACH_SEED (seed, 5) {
        story_begin(seed);
        sim_scene_pass(&scene, 5000);
        h->takes_much = true;
        sim_scene_pass(&scene, 3000);
        assert_false(gateway_model_is_open(model, str_of(h->id)));
        *h = (struct human){.max = h->max};
        (void)snprintf(h->id, sizeof(h->id), "another");
        gateway_model_open(model, str_of(h->id));
        sim_scene_pass(&scene, 5000);
        story_end();
        story_free();
    }
}

/* What waits at a home that has it no more is to be asked again: its client has logged in. */
static void what_waits_at_a_lost_home_is_asked_again(void **state)
{
    struct str ping = STR("{\"action\":\"ping\",\"id\":9,\"n\":50}");
    struct human *h = &people[1];
    unsigned first, refused_n = 0;

    (void)state;
    story_begin(1);
    sim_scene_pass(&scene, 5000);
    h->silent = true;
    sim_scene_pass(&scene, 1000);
    h->moves = true;
    first = told_n;
    for (unsigned i = 0; i < PINGS; i++) /* some of them come to the home itself */
        assert_true(post_event(1, GW_MESSAGE, ping, true));
    sim_scene_pass(&scene, 5000);
    for (unsigned i = first; i < first + PINGS; i++) {
        struct str answer = buf_peek(&told[i]->answer);

        assert_true(has(answer, "\"id\":9") && !has(answer, "\"unauthenticated\""));
        refused_n += has(answer, "\"store_failed\"");
    }
    assert_true(refused_n > 0);
    h->moves = h->silent = false;
    sim_scene_pass(&scene, 5000);
    story_end();
    story_free();
}

CHECK_MAIN(cmocka_unit_test(what_waits_at_a_lost_home_is_asked_again),
           cmocka_unit_test(who_takes_too_much_is_ended), cmocka_unit_test(who_was_let_in_is_found),
           cmocka_unit_test(who_takes_them_is_killed), cmocka_unit_test(frames_are_too_long),
           cmocka_unit_test(posts_go_wrong), cmocka_unit_test(gone_is_said_of_who_lives))
