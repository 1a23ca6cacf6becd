#include "server/sio/sio.h"

#include "base/json.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "server/conn/person.h"
#include "server/conn/request.h"
#include "server/conn/session.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/sio_connect.h"
#include "server/sio/sio_cursors.h"
#include "server/sio/sio_event.h"
#include "server/sio/sio_space.h"
#include "wire/socketio.h"

#include <stdlib.h>

#define NAME_MAX_BYTES 64
#define TURN_ENTRIES 16 /* of one room before it is another's turn */
#define EVENT_MAX 4096
#define JOIN_LAST 50

/* Entries. */

static void append_event(struct buf *out, const struct feed_event *e)
{
    buf_append(out, STR("2[\""));
    buf_append(out, event_name_of(e->json));
    buf_append(out, STR("\","));
    buf_append(out, e->json);
}

/* Without its end, where the cursors of each go. */
struct frame *sio_encode(const struct feed_event *e)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, SIZE_MAX / 2);
    append_event(&b, e);
    return frame_copy(buf_peek(&b));
}

struct frame *sio_encode_alone(const struct feed_event *e)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, SIZE_MAX / 2);
    buf_append_byte(&b, '0' + ENGINEIO_MESSAGE);
    append_event(&b, e);
    buf_append(&b, STR(",\""));
    sio_cursors_put(&b, e->feed, e->seq);
    buf_append(&b, STR("\"]"));
    return ws_text(WS_FIN, buf_peek(&b));
}

/* One entry with the cursors behind it. */
static void append_entry(struct sio_space *s, struct buf *out, struct str entry, struct str others,
                         const struct follower *f)
{
    struct str nsp = sio_space_prefix(s);
    uint8_t text[2 * KEYS_ROOM_MAX + 64];
    struct buf own = {.bytes = text, .cap = sizeof(text), .max = sizeof(text)};
    bool fits = others.n <= SIO_CURSORS_MAX;
    size_t n;

    assert(entry.n > 0);
    sio_cursors_put(&own, f->feed, f->cursor);
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
    size_t pulled = 0;

    buf_init(&others, 2 * SIO_CURSORS_MAX);
    sio_cursors_others(s->conn, f, &others);
    for (unsigned i = 0; i < TURN_ENTRIES && buf_len(out) < max; i++) {
        size_t before = buf_len(out);
        bool pulls = f->pulls;

        taken = feed_take(f, FEED_sio, 0, &entry);
        if (taken != FEED_RUN)
            break;
        append_entry(s, out, frame_str(entry), buf_peek(&others), f);
        pulled += pulls ? buf_len(out) - before : 0;
        frame_unref(entry);
        metrics_add(s->conn->worker->metrics, METRIC_deliveries, 1);
    }
    if (pulled > 0 && s->conn->person != NULL)
        person_served(s->conn->worker, s->conn->person, pulled);
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

    assert(s->connected);
    while (!list_empty(&s->conn->behind) && buf_len(out) < max) {
        struct follower *f = CONTAINER_OF(list_pop(&s->conn->behind), struct follower, work);

        ended = !take_entries(s, out, f, max) || ended;
    }
    if (ended) /* the cursors that it has are of a room that it may not read */
        sio_space_cursors(s);
}

/* Has somebody something to take that may be shown now? */
static bool waits(struct conn *session)
{
    if (worker_is_unproven(session->worker))
        return false;
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

    assert(session->state == CONN_OPEN);
    if (!waits(session))
        return true;
    if (is_alone(session)) {
        session->encoding = FEED_sio_alone;
        return false;
    }
    out = conn_out(session);
    max = turn > 0 ? buf_len(out) + turn : SIZE_MAX;
    for (struct sio_space *s = sio_space_first(session); s != NULL; s = s->next)
        if (s->connected)
            fill_space(s, out, max);
    if (out->failed)
        conn_fail(session, METRIC_close_memory);
    return true;
}

/* Casts and events for one. */

static void event(struct conn *session, struct str json)
{
    sio_space_event(sio_space_first(session), json);
}

static void cast(struct conn *session, struct str json)
{
    sio_space_cast(sio_space_first(session), json);
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

    assert(r->conn != NULL);
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
    call_put_trace(&r->call, &o);
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

/* The event's name; empty if it is no string, or longer than any is. bytes: where it lies. */
static struct str packet_name(const struct socketio_packet *p, uint8_t bytes[NAME_MAX_BYTES])
{
    struct json j;

    if (p->name.n == 0 || p->name.n > NAME_MAX_BYTES)
        return (struct str){0};
    memcpy(bytes, p->name.p, p->name.n);
    json_init(&j, bytes, p->name.n, 1);
    return json_next(&j) == JSON_STRING ? j.str : (struct str){0};
}

/* Its error names the event that is unknown. */
static void fail_unknown(struct request *r, struct str event, struct command_problem problem)
{
    size_t n = MIN(event.n, sizeof(r->name));

    if (n > 0)
        memcpy(r->name, event.p, n);
    r->call.unknown = (struct str){(const uint8_t *)r->name, n};
    session_fail(r, problem);
}

/* A join that names no cursor is shown the newest messages, as other servers do; but one of
 * a room that is followed already goes on where it is. */
static void show_newest(struct request *r)
{
    struct command *cmd = &r->call.cmd;

    if (cmd->id != COMMAND_join || command_has(cmd, PARAM_last) || command_has(cmd, PARAM_after))
        return;
    cmd->last = JOIN_LAST;
    command_give(cmd, PARAM_last);
    r->newest = true;
}

static void run_event(struct sio_space *s, const struct socketio_packet *p)
{
    struct command_limits limits = session_limits(s->conn->worker);
    struct command_problem problem = {.code = ERROR_unknown_command};
    struct buf params CLEANUP(buf_fini);
    uint8_t bytes[NAME_MAX_BYTES];
    enum command_id id;
    struct request *r;
    struct str name;

    buf_init(&params, 2 * s->conn->worker->server->conf->sio_max_payload);
    name = packet_name(p, bytes);
    id = name.n > 0 ? sio_event_command(name, p->args, usual_room(s->conn), &params) : COMMAND_NONE;
    if (p->problem != JSON_OK)
        problem.code = command_json_error(p->problem);
    r = request_new(s->conn, buf_peek(&params), answer);
    r->wants_answer = p->has_id;
    r->answer_id = p->id;
    if (id == COMMAND_NONE) {
        fail_unknown(r, name, problem);
        return;
    }
    if (!command_parse_params(&r->call.cmd, id, r->bytes, r->n, &limits, &problem)) {
        session_fail(r, problem);
        return;
    }
    show_newest(r);
    session_message(r);
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

/* Does what is due of one namespace; when to look again. */
static uint64_t sio_look_at(struct sio_space *s)
{
    uint64_t now = worker_now_ms(s->conn->worker);
    struct buf b CLEANUP(buf_fini);
    enum session_end end;

    if (!s->connected || s->conn->person == NULL)
        return UINT64_MAX;
    buf_init(&b, EVENT_MAX);
    end = session_look(s->conn, &b);
    if (end == SESSION_EXPIRED) {
        sio_space_leave(s, true); /* may free it */
        return now;
    }
    if (end == SESSION_EXPIRES)
        sio_space_tell(s, buf_peek(&b));
    return session_due_ms(s->conn);
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
        again = sio_look_at(s); /* may be the end of all of them */
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

const struct eio_user sio_user = {
    .opened = sio_space_open,
    .message = message,
    .fill = fill,
    .waits = waits,
    .event = event,
    .cast = cast,
    .due = due,
    .is_busy = sio_space_is_busy,
    .ended = sio_space_leave_all,
    .closed = sio_space_close,
};
