#include "lib/sim_poller.h"

#include "base/str.h"
#include "wire/engineio.h"
#include "wire/socketio.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    POST_MAX = 1024 * 1024,
    TARGET_MAX = 160,
    BACKOFF_MS = 300,
    LAZY_MS = 400,
    UNANSWERED_MS = 60000, /* a GET that is lost between nodes is given up after 55 s */
    TEXT_MAX = 60,
    FLOOD_MAX = 110000, /* packets */
    PAUSE_MS = 5000,
};

enum kind { STRAY, OPEN, GET, POST, KINDS };

#define U(v) ((unsigned long long)(v))
#define PATH "/socket.io/?EIO=4&transport="

static uint64_t now_ms(const struct sim_poller *p)
{
    return io_now_ms(p->crowd->io);
}

static uint64_t below(struct sim_poller *p, uint64_t n)
{
    return rng_below(&p->crowd->rng, n);
}

static bool chance(struct sim_poller *p, unsigned per_mille)
{
    return rng_chance(&p->crowd->rng, per_mille);
}

static void trace(const struct sim_poller *p, const struct sim_poll_session *s, const char *what,
                  struct str text)
{
    if (p->crowd->trace)
        printf("%8llu %s.%d %s %.*s\n", U(now_ms(p)), p->name,
               s != NULL ? (int)(s - p->sessions) : -1, what, (int)MIN(text.n, (size_t)300),
               (const char *)text.p);
}

static const char *const kinds[KINDS] = {"stray", "open", "get", "post"};

/* What happens to a request, on which of the connections. */
static void trace_pipe(const struct sim_poller *p, const struct sim_pipe *pipe, unsigned tag,
                       const char *what, int status)
{
    if (p->crowd->trace)
        printf("%8llu %s/%d %u %s %s %d, %u wait\n", U(now_ms(p)), p->name, (int)(pipe - p->pipes),
               tag / KINDS, kinds[tag % KINDS], what, status, pipe->n);
}

static unsigned tag_of(const struct sim_poller *p, const struct sim_poll_session *s, enum kind kind)
{
    return (s->age * SIM_POLLER_SESSIONS + (unsigned)(s - p->sessions)) * KINDS + kind;
}

/* NULL: the session that asked is no more. */
static struct sim_poll_session *session_of(struct sim_poller *p, unsigned tag)
{
    struct sim_poll_session *s = &p->sessions[tag / KINDS % SIM_POLLER_SESSIONS];

    return s->age == tag / KINDS / SIM_POLLER_SESSIONS ? s : NULL;
}

static void session_end(struct sim_poller *p, struct sim_poll_session *s)
{
    trace(p, s, "is gone", (struct str){0});
    if (s->upgrade != SIM_POLL_POLLED)
        sim_link_cut(&p->link);
    if (s->asked)
        sim_link_cut(&p->pipes[s->asked_on].link); /* nobody waits for that one */
    sim_check_left(&s->follow);
    s->state = SIM_POLL_GONE;
    s->upgrade = SIM_POLL_POLLED;
    s->age++;
    s->asked = s->joins = false;
    s->posts_n = 0;
    s->sid[0] = '\0';
    buf_clear(&s->post);
    memset(s->sends, 0, sizeof(s->sends));
    s->due_ms = now_ms(p) + 1 + below(p, BACKOFF_MS);
}

/* What is said in a session. */

static void say(struct sim_poll_session *s, enum engineio_type type, struct str data)
{
    engineio_append_record(&s->post, &(struct engineio_packet){.type = type, .data = data});
    assert(!s->post.failed);
}

static void say_connect(struct sim_poller *p, struct sim_poll_session *s)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "0{\"name\":\"%s\"}", p->name);
    say(s, ENGINEIO_MESSAGE, str_of(text));
}

static void say_join(struct sim_poller *p, struct sim_poll_session *s)
{
    char text[200];

    if (s->known)
        (void)snprintf(text, sizeof(text),
                       "20[\"join\",{\"room\":\"%s\",\"after\":%llu,\"epoch\":%llu}]", p->room,
                       U(s->follow.cursor), U(s->epoch));
    else
        (void)snprintf(text, sizeof(text), "20[\"join\",{\"room\":\"%s\",\"last\":0}]", p->room);
    s->joins = true;
    say(s, ENGINEIO_MESSAGE, str_of(text));
}

void sim_poller_send(struct sim_poller *p)
{
    struct sim_poll_session *s = &p->sessions[below(p, SIM_POLLER_SESSIONS)];
    struct buf text CLEANUP(buf_fini);

    if (s->state != SIM_POLL_FOLLOWS)
        return;
    buf_init(&text, POST_MAX);
    for (unsigned i = 0; i < SIM_POLLER_SENDS; i++) {
        struct sim_poll_send *m = &s->sends[i];

        if (m->id != 0)
            continue;
        *m = (struct sim_poll_send){.id = ++p->ids, .text_seed = rng_u64(&p->crowd->rng)};
        (void)snprintf(m->cid, sizeof(m->cid), "%s-%llu", p->name, U(m->id));
        buf_printf(&text, "2%llu[\"send\",{\"room\":\"%s\",\"cid\":\"%s\",\"text\":\"", U(m->id),
                   p->room, m->cid);
        sim_request_text(&text, m->text_seed, (unsigned)(m->text_seed % TEXT_MAX));
        buf_append(&text, STR("\"}]"));
        say(s, ENGINEIO_MESSAGE, buf_peek(&text));
        return;
    }
}

/* What is heard. */

static void joined(struct sim_poller *p, struct sim_poll_session *s, const struct sim_frame *f)
{
    const struct sim_joined *j = &f->rooms[0];

    s->joins = false;
    if (f->code.n > 0 || f->rooms_n != 1) {
        s->due_ms = now_ms(p) + 1 + below(p, BACKOFF_MS);
        return;
    }
    if (j->reset)
        sim_check_reset(p->crowd->check, &s->follow);
    if (!s->known)
        s->follow.cursor = j->head;
    s->known = true;
    s->epoch = j->epoch;
    s->state = SIM_POLL_FOLLOWS;
    sim_check_kind(s->follow.log, j->kind);
    sim_check_joined(p->crowd->check, &s->follow, j->epoch, j->head);
}

static void acked(struct sim_poller *p, struct sim_poll_session *s, uint64_t id,
                  const struct sim_frame *f)
{
    struct buf text CLEANUP(buf_fini);

    for (unsigned i = 0; i < SIM_POLLER_SENDS; i++) {
        struct sim_poll_send *m = &s->sends[i];

        if (m->id != id)
            continue;
        m->id = 0;
        if (f->code.n > 0)
            return;
        p->acked_n++;
        buf_init(&text, POST_MAX);
        sim_request_text(&text, m->text_seed, (unsigned)(m->text_seed % TEXT_MAX));
        sim_check_acked(p->crowd->check, &(struct sim_ack){.log = s->follow.log,
                                                           .user = s->user,
                                                           .seq = f->seq,
                                                           .kind = ENTRY_MESSAGE,
                                                           .cid = str_of(m->cid),
                                                           .text = buf_peek(&text)});
        return;
    }
    if (!p->rude)
        sim_check_violate(p->crowd->check, "I7: %s: an answer to %llu, which was answered", p->name,
                          U(id));
}

static void event_came(struct sim_poller *p, struct sim_poll_session *s, const struct sim_frame *f)
{
    const struct sim_event *v = &f->event;

    if (!str_eq(v->room, str_of(p->room)))
        return; /* its person's own log */
    if (v->entry.kind != 0) {
        p->shown_n++;
        sim_check_shown(p->crowd->check, &s->follow, v->seq, &v->entry);
    } else if (str_eq(v->name, STR("behind"))) {
        sim_check_behind(p->crowd->check, &s->follow, v->from, v->to);
    } else if (str_eq(v->name, STR("reset"))) {
        sim_check_reset(p->crowd->check, &s->follow);
    }
}

/* The first argument of an event or an ack. */
static void hear_argument(struct sim_poller *p, struct sim_poll_session *s,
                          const struct socketio_packet *packet)
{
    struct str args = packet->args, arg;
    struct sim_frame *f = &p->crowd->frame;
    char *copy;

    if (!socketio_arg_next(&args, &arg) || arg.n == 0 || arg.p[0] != '{')
        return;
    copy = str_dup(arg);
    if (!sim_frame_read(f, (uint8_t *)copy, arg.n)) {
        sim_check_violate(p->crowd->check, "I1: %s: an event is not understood: %.*s", p->name,
                          STR_ARGS(arg));
    } else if (packet->type == SOCKETIO_ACK) {
        if (packet->id == 0)
            joined(p, s, f);
        else
            acked(p, s, packet->id, f);
    } else if (str_eq(packet->name, STR("\"session\""))) {
        s->state = MAX(s->state, SIM_POLL_CONNECTED);
        s->user = s->follow.user = f->user;
    } else {
        event_came(p, s, f);
    }
    free(copy);
}

static void hear_message(struct sim_poller *p, struct sim_poll_session *s, struct str data)
{
    struct buf scratch CLEANUP(buf_fini);
    struct socketio_packet packet;

    buf_init(&scratch, POST_MAX);
    if (!socketio_decode(data, &scratch, &packet)) {
        sim_check_violate(p->crowd->check, "I1: %s: no packet: %.*s", p->name, STR_ARGS(data));
        return;
    }
    if (packet.type == SOCKETIO_EVENT || packet.type == SOCKETIO_ACK)
        hear_argument(p, s, &packet);
    else if (packet.type != SOCKETIO_CONNECT && s->state != SIM_POLL_GONE)
        session_end(p, s); /* refused, or disconnected */
}

static void hear_packet(struct sim_poller *p, struct sim_poll_session *s,
                        const struct engineio_packet *packet)
{
    trace(p, s, "<-", packet->data);
    switch (packet->type) {
    case ENGINEIO_MESSAGE:
        hear_message(p, s, packet->data);
        break;
    case ENGINEIO_PING:
        say(s, ENGINEIO_PONG, (struct str){0});
        break;
    case ENGINEIO_CLOSE:
        session_end(p, s);
        break;
    case ENGINEIO_PONG:
        if (s->upgrade == SIM_POLL_PROBES)
            s->upgrade = SIM_POLL_PROVEN;
        break;
    case ENGINEIO_OPEN:
    case ENGINEIO_UPGRADE:
    case ENGINEIO_NOOP:
        break;
    }
}

static void hear_body(struct sim_poller *p, struct sim_poll_session *s, struct str body)
{
    unsigned age = s->age;
    char *copy = str_dup(body);
    struct engineio_packet packet;
    size_t at = 0;

    while (s->age == age && engineio_next((uint8_t *)copy, body.n, &at, &packet) == ENGINEIO_PACKET)
        hear_packet(p, s, &packet);
    free(copy);
}

static void hear_open(struct sim_poller *p, struct sim_poll_session *s, struct str body)
{
    struct str key = STR("\"sid\":\"");
    const uint8_t *at = memmem(body.p, body.n, key.p, key.n), *end;

    if (at == NULL) {
        session_end(p, s);
        return;
    }
    at += key.n;
    end = memchr(at, '"', (size_t)(body.p + body.n - at));
    assert(end != NULL && end - at < SIM_POLLER_SID);
    (void)snprintf(s->sid, sizeof(s->sid), "%.*s", (int)(end - at), (const char *)at);
    s->state = SIM_POLL_OPEN;
    p->opened_n++;
    say_connect(p, s);
}

static struct sim_poller *poller_of_pipe(struct sim_pipe *pipe)
{
    return pipe->ctx;
}

static void answered(struct sim_pipe *pipe, unsigned tag, int status, struct str body)
{
    struct sim_poller *p = poller_of_pipe(pipe);
    struct sim_poll_session *s = session_of(p, tag);

    trace_pipe(p, pipe, tag, "is answered", status);
    if (tag % KINDS == STRAY || s == NULL)
        return;
    if (tag % KINDS == GET)
        s->asked = false;
    if (tag % KINDS == POST)
        s->posts_n--;
    if (status != 200) {
        trace(p, s, "is refused", body);
        p->refused_n++;
        session_end(p, s);
    } else if (tag % KINDS == OPEN) {
        hear_open(p, s, body);
    } else if (tag % KINDS == GET) {
        hear_body(p, s, body);
    }
}

/* Who loses an answer begins anew. */
static void lost(struct sim_pipe *pipe, unsigned tag)
{
    struct sim_poller *p = poller_of_pipe(pipe);
    struct sim_poll_session *s = session_of(p, tag);

    trace_pipe(p, pipe, tag, "is lost", 0);
    if (tag % KINDS != STRAY && s != NULL)
        session_end(p, s);
}

static const struct sim_pipe_ops pipe_ops = {.answered = answered, .lost = lost};

/* The WebSocket of a session. */

static void link_opened(struct sim_link *l)
{
    struct sim_poller *p = CONTAINER_OF(l, struct sim_poller, link);
    char target[TARGET_MAX];

    (void)snprintf(target, sizeof(target), PATH "websocket&sid=%s", p->sessions[p->upgrading].sid);
    sim_link_upgrade_at(l, target);
}

static void link_answered(struct sim_link *l, int status, struct str body)
{
    (void)body;
    if (status == 101)
        sim_link_text(l, STR("2probe"));
    else
        sim_link_cut(l);
}

static void link_heard(struct sim_link *l, uint8_t *bytes, size_t n)
{
    struct sim_poller *p = CONTAINER_OF(l, struct sim_poller, link);
    struct engineio_packet packet;

    if (!engineio_decode((struct str){bytes, n}, false, &packet))
        sim_check_violate(p->crowd->check, "I1: %s: no packet of Engine.IO", p->name);
    else
        hear_packet(p, &p->sessions[p->upgrading], &packet);
}

static const struct sim_link_ops link_ops = {
    .opened = link_opened,
    .answered = link_answered,
    .heard = link_heard,
};

static void upgrade(struct sim_poller *p, struct sim_poll_session *s, unsigned node)
{
    if (p->link.state != SIM_LINK_DOWN)
        return;
    trace(p, s, "upgrades", (struct str){0});
    p->upgrading = (unsigned)(s - p->sessions);
    s->upgrade = SIM_POLL_PROBES;
    sim_link_open(&p->link, &p->crowd->addrs[node]);
}

static void link_turn(struct sim_poller *p)
{
    struct sim_poll_session *s = &p->sessions[p->upgrading];

    if (sim_link_end(&p->link) && s->upgrade != SIM_POLL_POLLED) {
        s->upgrade = SIM_POLL_POLLED;
        session_end(p, s);
    }
    if (s->upgrade == SIM_POLL_PROVEN && !s->asked && s->posts_n == 0) {
        s->upgrade = SIM_POLL_WEBSOCKET;
        p->upgraded_n++;
        sim_link_text(&p->link, STR("5"));
    }
    if (s->upgrade == SIM_POLL_WEBSOCKET && buf_len(&s->post) > 0) {
        struct engineio_packet packet;
        size_t at = 0;

        while (engineio_next(s->post.bytes + s->post.rpos, buf_len(&s->post), &at, &packet) ==
               ENGINEIO_PACKET) {
            struct buf text CLEANUP(buf_fini);

            buf_init(&text, POST_MAX);
            engineio_append_record(&text, &packet);
            trace(p, s, "->", buf_peek(&text));
            sim_link_text(&p->link, buf_peek(&text));
        }
        buf_clear(&s->post);
    }
}

/* What it asks. */

static void ask_stray(struct sim_poller *p, struct sim_pipe *pipe)
{
    static const char *const targets[] = {"/api/v1/none", "/health", "/", "/metrics",
                                          PATH "polling&sid=none"};
    struct str body = STR("{\"room\":\"general\"}");
    bool post = chance(p, 300);
    const char *target = post ? "/api/v1/history" : targets[below(p, COUNTOF(targets))];

    if (!sim_pipe_ask(pipe, STRAY, target, post ? &body : NULL,
                      (enum sim_pipe_form)below(p, SIM_PIPE_FORMS)))
        return;
}

/* Asks on a connection, sometimes behind what nobody waits for. */
static bool ask(struct sim_poller *p, struct sim_poll_session *s, enum kind kind, unsigned pipe_n,
                const struct str *body)
{
    struct sim_pipe *pipe = &p->pipes[pipe_n];
    char target[TARGET_MAX];
    bool asked;

    while (!p->crowd->calm && chance(p, 300))
        ask_stray(p, pipe);
    (void)snprintf(target, sizeof(target), PATH "polling%s%s", s->sid[0] != '\0' ? "&sid=" : "",
                   s->sid);
    asked = sim_pipe_ask(pipe, tag_of(p, s, kind), target, body,
                         (enum sim_pipe_form)below(p, SIM_PIPE_FORMS));
    if (asked)
        trace_pipe(p, pipe, tag_of(p, s, kind), "is asked", 0);
    if (asked && body != NULL)
        trace(p, s, "->", *body);
    while (!p->crowd->calm && chance(p, 200))
        ask_stray(p, pipe);
    return asked;
}

/* GETs wait: a session has a connection of its own for them, but for the reckless. */
static unsigned pipe_for(struct sim_poller *p, const struct sim_poll_session *s, enum kind kind)
{
    if (!p->crowd->calm && chance(p, 150))
        return (unsigned)below(p, SIM_POLLER_PIPES);
    return kind == GET ? (unsigned)(s - p->sessions) : SIM_POLLER_SESSIONS;
}

static void post_some(struct sim_poller *p, struct sim_poll_session *s)
{
    struct str body = buf_peek(&s->post);

    if (body.n == 0 || s->posts_n > 0 || !ask(p, s, POST, pipe_for(p, s, POST), &body))
        return;
    s->posts_n++;
    buf_clear(&s->post);
}

/* Many packets at once: what one session may cost. */
static void flood(struct sim_poller *p, struct sim_poll_session *s)
{
    static const char *const packets[] = {"40",
                                          "40",
                                          "41",
                                          "42[\"no\"]",
                                          "4299[\"ping\",{}]",
                                          "4299[\"history\",{\"room\":\"general\"}]"};
    const char *packet = packets[below(p, COUNTOF(packets))];
    uint64_t n = 1 + below(p, 1 + below(p, chance(p, 300) ? FLOOD_MAX : 2000));
    struct buf body CLEANUP(buf_fini);
    struct str said;

    if (packet[1] == '0' && chance(p, 500))
        n = FLOOD_MAX;
    buf_init(&body, POST_MAX);
    while (n-- > 0 && buf_len(&body) + 64 < POST_MAX) {
        if (buf_len(&body) > 0)
            buf_append_byte(&body, ENGINEIO_SEPARATOR);
        buf_append(&body, str_of(packet));
    }
    said = buf_peek(&body);
    if (ask(p, s, POST, pipe_for(p, s, POST), &said))
        s->posts_n++;
    p->floods_n++;
    if (packet[1] == '1')
        session_end(p, s); /* it has left the namespace */
}

static void be_rude(struct sim_poller *p, struct sim_poll_session *s)
{
    struct sim_pipe *pipe = &p->pipes[below(p, SIM_POLLER_PIPES)];
    struct str junk = STR("9junk");

    switch (below(p, 6)) {
    case 0:
    case 1:
        flood(p, s);
        break;
    case 2:
        if (ask(p, s, POST, pipe_for(p, s, POST), &junk))
            s->posts_n++;
        break;
    case 3:
        s->asked |= ask(p, s, GET, s->asked_on = pipe_for(p, s, GET), NULL);
        session_end(p, s); /* of two answers neither is the first */
        break;
    case 4:
        sim_link_cut(&pipe->link);
        break;
    default:
        say(s, ENGINEIO_CLOSE, (struct str){0});
        break;
    }
}

static void session_turn(struct sim_poller *p, struct sim_poll_session *s)
{
    bool calm = p->crowd->calm;

    if (s->state == SIM_POLL_GONE && s->due_ms <= now_ms(p) &&
        ask(p, s, OPEN, pipe_for(p, s, POST), NULL))
        s->state = SIM_POLL_OPENING;
    if (s->sid[0] == '\0' || s->upgrade >= SIM_POLL_PROVEN)
        return;
    if (s->state == SIM_POLL_CONNECTED && !s->joins && s->due_ms <= now_ms(p))
        say_join(p, s);
    if (!calm && s->due_ms > now_ms(p))
        return;
    if (!s->asked) {
        s->asked_on = pipe_for(p, s, GET);
        s->asked = ask(p, s, GET, s->asked_on, NULL);
    }
    post_some(p, s);
    if (calm)
        return;
    s->due_ms = now_ms(p) + (chance(p, 300) ? below(p, LAZY_MS) : 0);
    if (s->state == SIM_POLL_FOLLOWS && s->upgrade == SIM_POLL_POLLED && chance(p, 20))
        upgrade(p, s, (unsigned)below(p, p->crowd->addrs_n));
    else if (p->rude && chance(p, 50))
        be_rude(p, s);
}

static uint64_t session_next_ms(const struct sim_poll_session *s, uint64_t now)
{
    if (s->state == SIM_POLL_GONE || buf_len(&s->post) > 0 ||
        (s->sid[0] != '\0' && !s->asked && s->upgrade < SIM_POLL_PROVEN) ||
        (s->state == SIM_POLL_CONNECTED && !s->joins))
        return MAX(s->due_ms, now + 1);
    return IO_FOREVER;
}

uint64_t sim_poller_turn(struct sim_poller *p)
{
    uint64_t next = IO_FOREVER, now = now_ms(p);

    link_turn(p);
    for (unsigned i = 0; i < SIM_POLLER_PIPES; i++) {
        struct sim_pipe *pipe = &p->pipes[i];

        if (pipe->link.state == SIM_LINK_DOWN && pipe->n == 0 && !p->stays_down) {
            if (p->due_ms <= now)
                sim_pipe_open(pipe, &p->crowd->addrs[below(p, p->crowd->addrs_n)]);
            else
                next = MIN(next, p->due_ms);
        } else if (pipe->n > 0 && p->crowd->calm && now > pipe->asked_ms + UNANSWERED_MS) {
            sim_check_violate(p->crowd->check, "I7: %s: a request is not answered", p->name);
        }
    }
    for (unsigned i = 0; i < SIM_POLLER_SESSIONS && !p->stays_down; i++) {
        session_turn(p, &p->sessions[i]);
        next = MIN(next, session_next_ms(&p->sessions[i], now));
    }
    for (unsigned i = 0; i < SIM_POLLER_PIPES; i++) {
        bool up = p->pipes[i].link.state != SIM_LINK_DOWN;

        next = MIN(next, sim_pipe_turn(&p->pipes[i]));
        if (up && p->pipes[i].link.state == SIM_LINK_DOWN)
            p->due_ms = now + 1 + below(p, BACKOFF_MS);
        if (p->pipes[i].link.state == SIM_LINK_DOWN && !p->stays_down)
            next = MIN(next, MAX(p->due_ms, now + 1));
    }
    return next;
}

void sim_poller_cut(struct sim_poller *p)
{
    sim_link_cut(&p->link);
    for (unsigned i = 0; i < SIM_POLLER_PIPES; i++)
        sim_link_cut(&p->pipes[i].link);
}

bool sim_poller_is_down(const struct sim_poller *p)
{
    bool down = p->link.state == SIM_LINK_DOWN;

    for (unsigned i = 0; i < SIM_POLLER_PIPES; i++)
        down = down && p->pipes[i].link.state == SIM_LINK_DOWN && p->pipes[i].n == 0;
    return down;
}

static bool waits(const struct sim_poll_session *s)
{
    for (unsigned i = 0; i < SIM_POLLER_SENDS; i++)
        if (s->sends[i].id != 0)
            return true;
    return s->posts_n > 0 || buf_len(&s->post) > 0;
}

const char *sim_poller_unquiet(const struct sim_poller *p)
{
    for (unsigned i = 0; i < SIM_POLLER_SESSIONS; i++) {
        const struct sim_poll_session *s = &p->sessions[i];

        if (s->state != SIM_POLL_FOLLOWS)
            return "has not come back into its room";
        if (s->follow.cursor < sim_check_head(s->follow.log))
            return "has not been shown the newest entry";
        if (waits(s))
            return "waits for an answer";
        if (s->upgrade == SIM_POLL_PROBES || s->upgrade == SIM_POLL_PROVEN)
            return "has not become a WebSocket";
    }
    return NULL;
}

void sim_poller_init(struct sim_poller *p, struct sim_crowd *crowd, const char *name,
                     const char *room)
{
    *p = (struct sim_poller){.crowd = crowd, .room = room};
    (void)snprintf(p->name, sizeof(p->name), "%s", name);
    sim_link_init(&p->link, &link_ops, crowd->io, &crowd->rng);
    for (unsigned i = 0; i < SIM_POLLER_PIPES; i++) {
        sim_pipe_init(&p->pipes[i], &pipe_ops, crowd->io, &crowd->rng);
        p->pipes[i].ctx = p;
    }
    for (unsigned i = 0; i < SIM_POLLER_SESSIONS; i++) {
        buf_init(&p->sessions[i].post, POST_MAX);
        p->sessions[i].follow.log = sim_check_log(crowd->check, str_of(room));
    }
}

void sim_poller_fini(struct sim_poller *p)
{
    for (unsigned i = 0; i < SIM_POLLER_PIPES; i++)
        sim_pipe_fini(&p->pipes[i]);
    for (unsigned i = 0; i < SIM_POLLER_SESSIONS; i++)
        buf_fini(&p->sessions[i].post);
}
