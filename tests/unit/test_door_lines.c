/* A door in few lines, which stands on the seams alone: server/conn/conn.h, server/conn/request.h,
 * server/conn/session.h and chat/feed/feed.h. A line that comes over plain TCP is a command, a line
 * that is sent is an answer or an event:
 *
 *   login ana           {"id":null,"ok":{"token":"...","user":{"id":1,"name":"ana"},...}}
 *   join general        {"id":null,"ok":{"room":{"id":"general",...},...}}
 *   send general hello  {"id":null,"ok":{"seq":2,...}}
 *                       {"event":"message","room":"general","seq":2,...,"text":"hello"}
 *
 * Nothing of HTTP, WebSocket, Engine.IO and Socket.IO is known here, or knows of it. A door of
 * the program would also count its connections and weigh its work (server/conn/work.h). */
#include "base/str.h"
#include "lib/check.h"
#include "lib/sim_scene.h"
#include "server/conn/conn.h"
#include "server/conn/move.h"
#include "server/conn/request.h"
#include "server/conn/session.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <string.h>

#if defined(SERVER_DOOR_HTTP_H) || defined(SERVER_DOOR_WS_H) || defined(SERVER_DOOR_TAIL_H) || \
    defined(SERVER_HTTP_ROUTES_H) || defined(SERVER_EXCHANGE_H) || defined(SERVER_EIO_H) ||    \
    defined(SERVER_SIO_H)
#error "another door's header is included"
#endif

#define LINES_LINE_MAX ((size_t)16 * 1024)

/* The door. */

static void lines_say(struct conn *c, struct str json)
{
    if (conn_send(c, json))
        (void)conn_send(c, STR("\n"));
}

static void lines_answer(struct request *r)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, SIZE_MAX / 2);
    call_answer(&r->call, &b);
    lines_say(r->conn, buf_peek(&b));
}

/* An action, and what it takes of a name, or of a room and a text. */
static bool lines_parse(struct command *cmd, struct str line, const struct command_limits *limits,
                        struct command_problem *ret_problem)
{
    cmd->id = command_find(str_cut(&line, ' '));
    ret_problem->code = ERROR_unknown_command;
    return cmd->id != COMMAND_NONE && command_set(cmd, STR("name"), line, limits, ret_problem) &&
           command_set(cmd, STR("token"), line, limits, ret_problem) &&
           command_set(cmd, STR("room"), str_cut(&line, ' '), limits, ret_problem) &&
           command_set(cmd, STR("text"), line, limits, ret_problem) &&
           command_complete(cmd, ret_problem);
}

static void lines_run(struct conn *c, struct str line)
{
    struct command_limits limits = session_limits(c->worker);
    struct request *r = request_new(c, line, lines_answer);
    struct command_problem problem = {0};

    r->enters = true;
    if (lines_parse(&r->call.cmd, (struct str){r->bytes, r->n}, &limits, &problem))
        session_message(r);
    else
        session_fail(r, problem);
}

/* What is not taken comes again. */
static void lines_received(struct conn *c, uint8_t *p, size_t n)
{
    struct str rest = {p, n};

    while (c->state == CONN_OPEN && !c->paused && memchr(rest.p, '\n', rest.n) != NULL)
        lines_run(c, str_cut(&rest, '\n'));
    if (rest.n > LINES_LINE_MAX && !c->paused)
        conn_end(c, 0, STR("line too long"), METRIC_close_too_big);
    conn_keep(c, rest);
}

static struct door door_lines = {
    .name = "lines",
    .received = lines_received,
    .timeout = session_timeout,
    .renewed = session_timer,
    .event = lines_say,
};

static void lines_open(struct worker *w, int fd)
{
    struct conn *c = conn_open(w, fd, false, &door_lines);

    if (c == NULL)
        return;
    c->encoding = FEED_line;
    session_timer(c);
    move_opened(c);
}

/* A node of two workers, a listener of the door's at each, and people who speak lines. */

enum { WORKERS = 2, PEOPLE = 2, PORT = 7100, WAIT_MS = 60000, HEARD_MAX = 256 * 1024 };

struct lines_listener {
    struct worker *worker;
    struct io_op op;
};

struct speaker {
    struct io_op in, out;
    struct str part;
    bool over;      /* the server has closed */
    size_t n, seen; /* of heard; what the test has looked at */
    char heard[HEARD_MAX];
};

static struct sim_scene scene;
static struct lines_listener listeners[WORKERS];
static struct speaker people[PEOPLE];
static struct speaker *const ana = &people[0], *const ben = &people[1];

static void accepted(struct io_op *op, int result, uint8_t *data)
{
    struct lines_listener *l = CONTAINER_OF(op, struct lines_listener, op);

    (void)data;
    if (result < 0)
        return;
    lines_open(l->worker, result);
    io_accept(l->worker->io, op);
}

static void heard(struct io_op *op, int result, uint8_t *data)
{
    struct speaker *p = CONTAINER_OF(op, struct speaker, in);

    p->over = result <= 0;
    if (p->over)
        return;
    assert_true(p->n + (size_t)result < HEARD_MAX);
    memcpy(p->heard + p->n, data, (size_t)result);
    p->n += (size_t)result;
    io_recv(scene.crowd.io, op);
}

static void said(struct io_op *op, int result, uint8_t *data)
{
    struct speaker *p = CONTAINER_OF(op, struct speaker, out);

    (void)data;
    p->part = str_skip(p->part, result > 0 ? (size_t)result : 0);
    if (result >= 0 && p->part.n > 0)
        io_send(scene.crowd.io, op, &p->part, 1);
}

#define UNTIL(condition)                                          \
    for (uint64_t until_ = sim_now_ms(scene.sim) + WAIT_MS;;) {   \
        if (condition)                                            \
            break;                                                \
        if (sim_now_ms(scene.sim) > until_)                       \
            fail_msg("this does not come to be: %s", #condition); \
        sim_scene_step(&scene);                                   \
    }

static void connect_to(struct speaker *p, unsigned worker)
{
    struct io_addr a = sim_node_addr(PORT + worker);

    memset(p, 0, sizeof(*p));
    p->out.done = said;
    p->in.done = heard;
    io_connect(scene.crowd.io, &p->out, &a);
    UNTIL(!p->out.in_flight);
    p->in.fd = p->out.fd;
    io_recv(scene.crowd.io, &p->in);
}

static void say(struct speaker *p, const char *lines)
{
    p->part = str_of(lines);
    io_send(scene.crowd.io, &p->out, &p->part, 1);
    UNTIL(!p->out.in_flight);
    assert_int_equal(p->part.n, 0);
}

/* Waits until p was sent part, behind what the test has waited for before. */
static void hear(struct speaker *p, const char *part)
{
    const char *at = NULL;

    for (uint64_t until = sim_now_ms(scene.sim) + WAIT_MS; at == NULL;) {
        at = strstr(p->heard + p->seen, part);
        if (at == NULL && (p->over || sim_now_ms(scene.sim) > until))
            fail_msg("%s does not come behind %s", part, p->heard + p->seen);
        if (at == NULL)
            sim_scene_step(&scene);
    }
    p->seen = (size_t)(at - p->heard) + strlen(part);
}

static void begin(uint64_t seed, const char *flag)
{
    const char *const flags[] = {"--commands-in-flight=0", flag, NULL};

    sim_scene_begin(&scene, 1, seed,
                    (struct sim_faults){.job_ms = 5, .short_send = 300, .split_recv = 300});
    sim_scene_start(&scene, flags, WORKERS);
    UNTIL(scene.nodes[0]->serving);
    for (unsigned i = 0; i < WORKERS; i++) {
        struct io_addr a = sim_node_addr(PORT + i);
        struct lines_listener *l = &listeners[i];

        *l = (struct lines_listener){.worker = &scene.nodes[0]->server->workers[i]};
        l->op.done = accepted;
        assert_int_equal(io_listen(l->worker->io, &a, &l->op.fd), 0);
        io_accept(l->worker->io, &l->op);
    }
    for (unsigned i = 0; i < PEOPLE; i++)
        connect_to(&people[i], i % WORKERS);
}

/* The node ends, and with it, by the door, who is still there. */
static void end(void)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        struct lines_listener *l = &listeners[i];

        io_cancel(l->worker->io, &l->op);
        UNTIL(!l->op.in_flight);
        io_close(l->worker->io, l->op.fd);
    }
    sim_node_stop(scene.nodes[0]);
    for (unsigned i = 0; i < PEOPLE; i++) {
        UNTIL(people[i].over);
        io_close(scene.crowd.io, people[i].in.fd);
        assert_true(people[i].n == 0 || people[i].heard[people[i].n - 1] == '\n');
    }
    sim_scene_end(&scene);
}

static void enter(void)
{
    say(ana, "login ana\n");
    hear(ana, "\"ok\":{\"token\":\"");
    hear(ana, "\"user\":{\"id\":");
    hear(ana, "\"name\":\"ana\"");
    say(ben, "login ben\n");
    hear(ben, "\"name\":\"ben\"");
    say(ana, "join general\n");
    hear(ana, "\"ok\":{\"room\":{\"id\":\"general\"");
    say(ben, "join general\n");
    hear(ben, "\"ok\":{\"room\":{\"id\":\"general\"");
}

static void people_talk(void **state)
{
    (void)state;
    CHECK_EACH_SEED (seed, 10) {
        begin(seed, NULL);
        enter();
        say(ana, "send general hello all\n");
        hear(ben, "\n{\"event\":\"message\",\"room\":\"general\"");
        hear(ben, "\"name\":\"ana\"");
        hear(ben, "\"text\":\"hello all\"");
        hear(ana, "\"text\":\"hello all\"");
        sim_scene_pass(&scene, 3000); /* with a send under way it would be dropped */
        say(ben, "typing general\n");
        hear(ana, "\n{\"event\":\"typing\",\"room\":\"general\"");
        say(ben, "leave general\n");
        hear(ben, "\"ok\":{\"room\":\"general\"}}\n");
        say(ben, "send general not for me\nping\n");
        hear(ana, "\"text\":\"not for me\"");
        hear(ben, "\"ok\":{\"now\":");
        assert_null(strstr(ben->heard, "\"text\":\"not for me\""));
        end();
    }
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        n++;
    return n;
}

/* Many lines at once, in pieces, of one who is made to read in between: each is taken, once and
 * in order, and shown so. */
static void lines_come_in_order(void **state)
{
    static const unsigned n = 200;
    char text[64];

    (void)state;
    CHECK_EACH_SEED (seed, 10) {
        struct buf lines CLEANUP(buf_fini);

        buf_init(&lines, HEARD_MAX);
        for (unsigned i = 0; i < n; i++)
            buf_printf(&lines, "ping\nsend general <%u>\nping\n", i);
        buf_append_byte(&lines, 0);
        begin(seed, "--unsent-replies-max=4k");
        enter();
        say(ana, (const char *)lines.bytes);
        for (unsigned i = 0; i < n; i++) {
            (void)snprintf(text, sizeof(text), "\"text\":\"<%u>\"", i);
            hear(ben, text);
            assert_null(strstr(ben->heard + ben->seen, text));
        }
        UNTIL(count(ana->heard, "\"ok\":{\"now\":") == 2 * n);
        UNTIL(count(ana->heard, "\"text\":") == n);
        end();
    }
}

static void refusals_are_lines(void **state)
{
    (void)state;
    begin(1, NULL);
    say(ana, "join general\n");
    hear(ana, "\"error\":{\"code\":\"unauthenticated\"");
    say(ana, "login ana\n");
    hear(ana, "\"name\":\"ana\"");
    say(ana, "dance\n");
    hear(ana, "\"error\":{\"code\":\"unknown_command\"");
    say(ana, "edit general text\n");
    hear(ana, "\"error\":{\"code\":\"missing_parameter\"");
    say(ana, "send nowhere text\n");
    hear(ana, "\"error\":{\"code\":\"no_such_room\"");
    say(ana, "login ben\n");
    hear(ana, "\"error\":{\"code\":\"already_authenticated\"");
    end();
}

static uint64_t last_ms; /* 0: as long as both ends want */

static uint64_t lifetime_ms(const struct conn *c)
{
    assert_true(c->state == CONN_OPEN);
    return last_ms;
}

/* Of the token that ana was given last. */
static void auth(void)
{
    const char *token = ana->heard, *next = token;
    char line[1024];

    while ((next = strstr(next, "\"token\":\"")) != NULL)
        token = next += strlen("\"token\":\"");
    (void)snprintf(line, sizeof(line), "auth %.*s\n", (int)strcspn(token, "\""), token);
    say(ana, line);
}

/* A door that knows when its connections are cut has auth say so; another says nothing. */
static void auth_says_how_long_it_lasts(void **state)
{
    (void)state;
    begin(1, NULL);
    say(ana, "login ana\n");
    hear(ana, "\"name\":\"ana\"");
    door_lines.lifetime_ms = lifetime_ms;
    last_ms = 7199000;
    auth();
    hear(ana, "\"ok\":{\"user\":{\"id\":");
    hear(ana, "\"session\":\"");
    hear(ana, ",\"lifetime\":7199000}}\n");
    last_ms = 0;
    auth();
    hear(ana, "\"ok\":{\"user\":{\"id\":");
    say(ana, "ping\n");
    hear(ana, "\"ok\":{\"now\":");
    assert_int_equal(count(ana->heard, "\"lifetime\":"), 1);
    end();
}

static void a_line_has_an_end(void **state)
{
    static char text[2 * LINES_LINE_MAX];

    (void)state;
    begin(1, NULL);
    enter();
    memset(text, 'a', sizeof(text) - 1);
    say(ana, text);
    UNTIL(ana->over);
    assert_false(ben->over);
    end();
}

/* By the session's own ways, which know no door: it is ended, it expires, nobody logs in. */
static void the_end_of_a_session_ends_it(void **state)
{
    (void)state;
    begin(1, "--token-ttl=1m");
    say(ana, "login ana\n");
    hear(ana, "\"name\":\"ana\"");
    sim_scene_pass(&scene, 15000);
    assert_true(ben->over && !ana->over);
    sim_scene_pass(&scene, 60000);
    assert_true(ana->over);
    io_close(scene.crowd.io, ana->in.fd);
    connect_to(ana, 1);
    say(ana, "login ana\n");
    hear(ana, "\"name\":\"ana\"");
    say(ana, "logout\n");
    hear(ana, "\"ok\":{\"session\":");
    UNTIL(ana->over);
    end();
}

/* While it is not known which sessions have ended, nothing is shown; then everything is. */
static void nothing_is_shown_unproven(void **state)
{
    struct worker *w;

    (void)state;
    begin(1, NULL);
    enter();
    w = listeners[1].worker; /* ben's */
    w->unproven_ms = 0;
    say(ana, "send general hello\n");
    hear(ana, "\"text\":\"hello\"");
    sim_scene_pass(&scene, 1000);
    assert_null(strstr(ben->heard, "hello"));
    say(ben, "send general me too\n");
    hear(ben, "\"error\":{\"code\":\"sessions_unproven\"");
    w->unproven_ms = UINT64_MAX;
    conn_mark_all(w);
    say(ana, "send general again\n");
    hear(ben, "\"text\":\"hello\"");
    hear(ben, "\"text\":\"again\"");
    end();
}

CHECK_MAIN(cmocka_unit_test(people_talk), cmocka_unit_test(lines_come_in_order),
           cmocka_unit_test(refusals_are_lines), cmocka_unit_test(a_line_has_an_end),
           cmocka_unit_test(auth_says_how_long_it_lasts),
           cmocka_unit_test(the_end_of_a_session_ends_it),
           cmocka_unit_test(nothing_is_shown_unproven))
