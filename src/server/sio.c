#include "server/sio.h"

#include "base/json.h"
#include "base/str.h"
#include "chat/event.h"
#include "server/request.h"
#include "server/server.h"
#include "server/session.h"
#include "server/sio_connect.h"
#include "server/sio_cursors.h"
#include "server/sio_event.h"
#include "server/sio_space.h"
#include "server/worker.h"
#include "wire/socketio.h"

#include <stdlib.h>

#define NAME_MAX_BYTES 64
#define TURN_ENTRIES 16 /* of one room before it is another's turn */
#define EXPIRING_MS 60000
#define EVENT_MAX 4096

/* Entries. */

/* {"event":"message",...}: the name, without its quotes. */
static struct str name_in(struct str event)
{
    struct str rest = str_skip(event, sizeof("{\"event\":\"") - 1);

    return str_cut(&rest, '"');
}

/* {"event":"message","room":"general","seq":7,...}: what a lone cursor at it says. */
static void append_cursor(struct feed_set *s, struct str json, struct buf *out)
{
    struct str rest = str_skip(json, name_in(json).n + sizeof("{\"event\":\"\",\"room\":\"") - 1);
    struct str room = str_cut(&rest, '"');
    const struct feed *feed = feed_get(s, room);

    rest = str_skip(rest, sizeof(",\"seq\":") - 1);
    buf_append(out, room);
    buf_append_byte(out, '.');
    buf_append_u64(out, feed != NULL ? feed->epoch : 0);
    buf_append_byte(out, '.');
    buf_append(out, str_cut(&rest, ','));
}

struct frame *sio_encode(struct feed_set *s, unsigned encoding, struct frame *event)
{
    struct str json = frame_str(event);
    struct buf b CLEANUP(buf_fini), framed CLEANUP(buf_fini);
    uint8_t header[WS_HEADER_MAX];

    buf_init(&b, SIZE_MAX / 2);
    buf_init(&framed, SIZE_MAX / 2);
    if (encoding == SIO_ALONE)
        buf_append_byte(&b, '0' + ENGINEIO_MESSAGE);
    buf_append(&b, STR("2[\""));
    buf_append(&b, name_in(json));
    buf_append(&b, STR("\","));
    buf_append(&b, json);
    if (encoding == SIO_SHARED)
        return frame_copy(buf_peek(&b));
    buf_append(&b, STR(",\""));
    append_cursor(s, json, &b);
    buf_append(&b, STR("\"]"));
    buf_append(&framed, (struct str){header, ws_encode_header(header, WS_OP_TEXT, WS_FIN,
                                                              buf_len(&b), NULL)});
    buf_append(&framed, buf_peek(&b));
    return frame_copy(buf_peek(&framed));
}

/* One entry with the cursors behind it. */
static void append_entry(struct sio_space *s, struct buf *out, struct str entry, struct str others,
                         const struct follower *f)
{
    struct str nsp = sio_space_prefix(s);
    uint8_t text[2 * ROOM_KEY_MAX + 64];
    struct buf own = {.bytes = text, .cap = sizeof(text), .max = sizeof(text)};
    bool fits = others.n <= SIO_CURSORS_MAX;
    size_t n;

    sio_cursors_add(f, &own);
    n = fits ? others.n + (others.n > 0) + buf_len(&own) : 1;
    eio_head(s->session, out, entry.n + nsp.n + n + 4);
    buf_append_byte(out, entry.p[0]);
    buf_append(out, nsp);
    buf_append(out, str_skip(entry, 1));
    buf_append(out, STR(",\""));
    if (fits) {
        buf_append(out, others);
        if (others.n > 0)
            buf_append_byte(out, '~');
        buf_append(out, buf_peek(&own));
    } else {
        buf_append_byte(out, '-');
    }
    buf_append(out, STR("\"]"));
}

/* Takes some of one follower's entries. False if its access has ended: it is gone. */
static bool take_entries(struct sio_space *s, struct buf *out, struct follower *f, size_t max)
{
    struct buf others CLEANUP(buf_fini);
    enum feed_taken taken = FEED_RUN;
    struct frame *entry;

    buf_init(&others, 2 * SIO_CURSORS_MAX);
    sio_cursors_others(s->conn, f, &others);
    for (unsigned i = 0; i < TURN_ENTRIES && buf_len(out) < max; i++) {
        taken = feed_take_one(f, SIO_SHARED, &entry);
        if (taken != FEED_RUN)
            break;
        append_entry(s, out, frame_str(entry), buf_peek(&others), f);
        frame_unref(entry);
        metrics_add(s->conn->worker->metrics, METRIC_deliveries, 1);
    }
    if (taken == FEED_END) {
        conn_unfollow(s->conn, CONTAINER_OF(f, struct conn_follower, f));
        return false;
    }
    if (taken == FEED_RUN && feed_behind(f))
        list_push(&s->conn->behind, &f->work);
    return true;
}

static void fill_space(struct sio_space *s, struct buf *out, size_t max)
{
    bool ended = false;

    while (!list_empty(&s->conn->behind) && buf_len(out) < max) {
        struct follower *f = CONTAINER_OF(list_pop(&s->conn->behind), struct follower, work);

        ended = !take_entries(s, out, f, max) || ended;
    }
    if (ended) /* the cursors that it has are of a room that it may not read */
        sio_space_cursors(s);
}

static bool waits(struct conn *session)
{
    for (struct sio_space *s = sio_space_first(session); s != NULL; s = s->next)
        if (s->connected && !list_empty(&s->conn->behind))
            return true;
    return false;
}

/* Is there one cursor in all? Then its entries are the same for everybody. */
static bool is_alone(struct conn *session)
{
    const struct sio_space *first = sio_space_first(session);

    return first->connected && first->next == NULL && first->nsp == NULL &&
           session->followers_n == 1 && session->followers->f.end == 0 && eio_is_websocket(session);
}

static bool fill(struct conn *session)
{
    uint64_t turn = session->worker->server->conf->flush_turn_max;
    struct buf *out;
    size_t max;

    if (!waits(session))
        return true;
    if (is_alone(session)) {
        session->encoding = SIO_ALONE;
        return false;
    }
    out = conn_out(session);
    max = turn > 0 ? buf_len(out) + turn : SIZE_MAX;
    for (struct sio_space *s = sio_space_first(session); s != NULL; s = s->next)
        if (s->connected)
            fill_space(s, out, max);
    if (out->failed)
        conn_drop(session, METRIC_close_memory);
    return true;
}

/* Casts and events for one. */

static void send_event(struct sio_space *s, struct str json, bool cursors)
{
    struct str name = name_in(json);
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, json.n + NAME_MAX_BYTES + 4 * SIO_CURSORS_MAX);
    buf_append(&b, STR("[\""));
    buf_append(&b, name);
    buf_append(&b, STR("\","));
    buf_append(&b, json);
    if (cursors) {
        buf_append(&b, STR(",\""));
        sio_cursors_all(s->conn, &b);
        buf_append_byte(&b, '"');
    }
    buf_append_byte(&b, ']');
    sio_space_send(s, &(struct socketio_packet){.type = SOCKETIO_EVENT}, buf_peek(&b));
}

static void tell_space(struct sio_space *s, struct str json)
{
    if (s->connected)
        send_event(s, json, true);
}

static void cast_to(struct sio_space *s, struct str json)
{
    struct conn *session = s->session;
    bool fits = s->connected && eio_takes_casts(session);

    metrics_add(session->worker->metrics, fits ? METRIC_casts : METRIC_casts_dropped, 1);
    if (fits)
        send_event(s, json, false);
}

static void event(struct conn *session, struct str json)
{
    tell_space(sio_space_first(session), json);
}

static void cast(struct conn *session, struct str json)
{
    cast_to(sio_space_first(session), json);
}

/* Commands. */

static bool moves_cursors(enum command_id id)
{
    return id == COMMAND_join || id == COMMAND_leave || id == COMMAND_resume;
}

/* {"ok":{...}} or {"error":{...}}, the one argument of an ack. Without an ack
 * success is not answered, and failure is an event. */
static void answer(struct request *r)
{
    struct sio_space *s = sio_space_of(r->conn);
    struct socketio_packet head = {.type = SOCKETIO_ACK, .has_id = true, .id = r->answer_id};
    bool ok = r->call.error == ERROR_NONE;
    struct buf b CLEANUP(buf_fini);
    struct json_out o;

    if (ok && moves_cursors(r->call.cmd.id))
        sio_space_cursors(s);
    if (!r->wants_answer && ok)
        return;
    buf_init(&b, 32 * 1024 * 1024);
    json_out_init(&o, &b);
    json_out_array(&o);
    if (!r->wants_answer) {
        head = (struct socketio_packet){.type = SOCKETIO_EVENT};
        json_out_str(&o, STR("error"));
    }
    json_out_object(&o);
    json_out_key(&o, ok ? "ok" : "error");
    if (ok) {
        json_out_object(&o);
        buf_append(&b, buf_peek(&r->call.ok));
        json_out_object_end(&o);
    } else {
        call_error_body(&r->call, &o);
    }
    json_out_object_end(&o);
    json_out_array_end(&o);
    if (!b.failed)
        sio_space_send(s, &head, buf_peek(&b));
}

/* The room that is meant if none is named: the one joined last. */
static struct str usual_room(const struct conn *c)
{
    for (const struct conn_follower *cf = c->followers; cf != NULL; cf = cf->next)
        if (cf->f.feed->id[0] != '@')
            return feed_room(cf->f.feed);
    return STR("general");
}

static enum command_id read_event(struct sio_space *s, const struct socketio_packet *p,
                                  struct buf *params)
{
    uint8_t bytes[NAME_MAX_BYTES];
    struct json j;

    if (p->name.n > sizeof(bytes))
        return COMMAND_NONE;
    memcpy(bytes, p->name.p, p->name.n);
    json_init(&j, bytes, p->name.n, 1);
    if (json_next(&j) != JSON_STRING)
        return COMMAND_NONE;
    return sio_event_command(j.str, p->args, usual_room(s->conn), params);
}

static void run_event(struct sio_space *s, const struct socketio_packet *p)
{
    struct worker *w = s->conn->worker;
    const struct conf *conf = w->server->conf;
    struct command_limits limits = session_limits(w);
    struct command_problem problem = {.code = ERROR_unknown_command};
    struct buf params CLEANUP(buf_fini);
    struct caller who = session_who(s->conn);
    enum command_id id;
    struct request *r;

    buf_init(&params, 2 * conf->sio_max_payload);
    id = read_event(s, p, &params);
    r = request_new(s->conn, buf_peek(&params), answer);
    r->wants_answer = p->has_id;
    r->answer_id = p->id;
    if (id == COMMAND_NONE ||
        !command_parse_params(&r->call.cmd, id, r->bytes, r->n, &limits, &problem)) {
        session_fail(r, problem);
        return;
    }
    if (conf->commands_in_flight > 0 &&
        s->conn->calls_n - s->conn->children_n > conf->commands_in_flight) {
        session_fail(r, (struct command_problem){.code = ERROR_too_many_commands});
        return;
    }
    request_who(r, &who);
    session_run(r, true);
}

static void take_text(struct conn *session, struct str text)
{
    struct sio_space *first = sio_space_first(session), *s;
    struct socketio_packet p;

    if (first->missing > 0 || !socketio_decode(text, &session->worker->scratch, &p)) {
        eio_end(session, METRIC_close_protocol);
        return;
    }
    if (p.type == SOCKETIO_CONNECT) {
        sio_connect(session, &p);
        return;
    }
    s = sio_space_find(session, p.nsp);
    if (s == NULL || !s->connected || p.type == SOCKETIO_CONNECT_ERROR) {
        eio_end(session, METRIC_close_protocol);
        return;
    }
    first->missing = p.attachments;
    if (p.type == SOCKETIO_DISCONNECT)
        sio_space_leave(s, false);
    else if (p.type == SOCKETIO_EVENT || p.type == SOCKETIO_BINARY_EVENT)
        run_event(s, &p);
}

/* No command takes bytes: where they were is a placeholder, which is refused. */
static void take_attachment(struct conn *session)
{
    struct sio_space *first = sio_space_first(session);

    if (first->missing == 0)
        eio_end(session, METRIC_close_protocol);
    else
        first->missing--;
}

static void message(struct conn *session, struct str data, bool binary)
{
    if (binary)
        take_attachment(session);
    else
        take_text(session, data);
}

/* Deadlines: to connect; to be told that the session expires; that it has. */

static void say_expiring(struct sio_space *s, uint64_t expires_ms)
{
    struct buf b CLEANUP(buf_fini);

    s->conn->told = true;
    buf_init(&b, EVENT_MAX);
    event_expiring(&b, expires_ms);
    send_event(s, buf_peek(&b), false);
}

/* Does what is due of one namespace; when to look again. */
static uint64_t look_at(struct sio_space *s)
{
    struct conn *c = s->conn;
    uint64_t now = worker_now_ms(c->worker), wall = io_wall_ms(c->worker->io);
    uint64_t expires = (uint64_t)c->expires_s * 1000;

    if (!s->connected || c->person == NULL)
        return UINT64_MAX;
    if (expires <= wall) {
        sio_space_leave(s, true);
        return now;
    }
    if (!c->told && expires <= wall + EXPIRING_MS)
        say_expiring(s, expires);
    return now + expires - wall - (c->told ? 0 : EXPIRING_MS);
}

static uint64_t due(struct conn *session)
{
    uint64_t max = session->worker->server->conf->auth_timeout_ms;
    uint64_t now = worker_now_ms(session->worker), at = UINT64_MAX;
    uint64_t by = (uint64_t)sio_space_first(session)->idle_s * 1000 + max + 1000;
    bool connected = false;

    for (struct sio_space *s = sio_space_first(session), *next; s != NULL; s = next) {
        uint64_t again;

        next = s->next;
        connected = connected || s->connected;
        again = look_at(s); /* may be the end of all of them */
        at = MIN(at, again);
        if (session->state != CONN_OPEN)
            return UINT64_MAX;
    }
    if (connected || max == 0)
        return at;
    if (now >= by) {
        eio_end(session, METRIC_close_unauthenticated);
        return UINT64_MAX;
    }
    return MIN(at, by);
}

/* Of the connections that other namespaces have (server/sio_space.h). */

void sio_cast(struct sio_space *s, struct str json)
{
    cast_to(s, json);
}

void sio_event_to(struct sio_space *s, struct str json)
{
    tell_space(s, json);
}

const struct eio_user sio_user = {
    .opened = sio_space_open,
    .message = message,
    .fill = fill,
    .waits = waits,
    .event = event,
    .cast = cast,
    .due = due,
    .closed = sio_space_close,
};
