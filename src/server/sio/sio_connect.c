#include "server/sio/sio_connect.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/siphash.h"
#include "base/str.h"
#include "server/conn/identify.h"
#include "server/conn/request.h"
#include "server/conn/session.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/sio_cursors.h"
#include "server/sio/sio_space.h"

#define PID_BYTES 24
#define PID_MAX 64
#define ANSWER_MAX (32 * 1024)

/* What the client gives when it connects; the strings lie in the worker's scratch. */
struct wish {
    struct str token, name, password, pid, offset;
    bool has_token, has_name, has_password, has_pid;
};

static void take_member(struct wish *x, struct str key, struct str value)
{
    if (str_eq(key, STR("token"))) {
        x->token = value;
        x->has_token = true;
    } else if (str_eq(key, STR("name")) || str_eq(key, STR("username"))) {
        x->name = value;
        x->has_name = true;
    } else if (str_eq(key, STR("password"))) {
        x->password = value;
        x->has_password = true;
    } else if (str_eq(key, STR("pid"))) {
        x->pid = value;
        x->has_pid = true;
    } else if (str_eq(key, STR("offset"))) {
        x->offset = value;
    }
}

/* The data of a packet that was decoded: an object, or nothing. */
static struct wish read_wish(struct worker *w, struct str data)
{
    struct wish x = {0};
    enum json_token t;
    struct json j;

    if (data.n == 0)
        return x;
    buf_clear(&w->scratch);
    buf_append(&w->scratch, data);
    json_init(&j, w->scratch.bytes + w->scratch.rpos, data.n, SOCKETIO_DEPTH_MAX);
    if (json_next(&j) != JSON_OBJECT)
        return x;
    while ((t = json_next(&j)) != JSON_OBJECT_END)
        if (t == JSON_STRING)
            take_member(&x, j.key, j.str);
        else if (!json_skip(&j, t))
            break;
    return x;
}

static bool is_pid(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
              (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-' || s.p[i] == '_'))
            return false;
    return s.n > 0 && s.n <= PID_MAX;
}

/* {"message":"...","data":{"code":"...",...}} */
static void put_refusal(struct buf *out, const struct call *call)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    json_out_field_str(&o, "message", str_of(command_error_text(call->error)));
    json_out_key(&o, "data");
    call_error_body(call, &o);
    json_out_object_end(&o);
}

static void refuse(struct sio_space *s, const struct call *call)
{
    struct conn *session = s->session;
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, ANSWER_MAX);
    put_refusal(&b, call);
    sio_space_send(s, &(struct socketio_packet){.type = SOCKETIO_CONNECT_ERROR}, buf_peek(&b));
    s->connecting = false;
    if (s->conn != session)
        conn_drop(s->conn, METRIC_close_unauthenticated);
}

static void refuse_code(struct sio_space *s, enum error_code code)
{
    struct call call = {.error = code};

    refuse(s, &call);
}

/* The public id of a connection: the same after a recovery. */
static void put_sid(struct json_out *o, struct str pid)
{
    static const uint8_t keys[2][16] = {"polylog's sids 1", "polylog's sids 2"};
    uint64_t hash[2] = {siphash(keys[0], pid), siphash(keys[1], pid)};
    char text[BASE64_ENCODED_MAX(sizeof(hash))];
    size_t n = base64_encode(BASE64_URL, (struct str){(const uint8_t *)hash, 15}, text);

    json_out_field_str(o, "sid", (struct str){(const uint8_t *)text, n});
}

/* The first event: who one is, and, as with every event, the cursors. */
static void send_session(struct sio_space *s, struct str token)
{
    struct caller who = session_who(s->conn);
    struct buf b CLEANUP(buf_fini);
    struct json_out o;

    buf_init(&b, ANSWER_MAX);
    json_out_init(&o, &b);
    json_out_array(&o);
    json_out_str(&o, STR("session"));
    json_out_object(&o);
    if (token.n > 0)
        json_out_field_str(&o, "token", token);
    call_put_session(&o, &(struct call_ret){.who = who});
    json_out_object_end(&o);
    buf_append(&b, STR(",\""));
    sio_cursors_all(s->conn, &b);
    buf_append(&b, STR("\"]"));
    sio_space_send(s, &(struct socketio_packet){.type = SOCKETIO_EVENT}, buf_peek(&b));
}

static void accept(struct sio_space *s, struct str pid, struct str token)
{
    struct buf b CLEANUP(buf_fini);
    char made[BASE64_ENCODED_MAX(PID_BYTES)];
    uint8_t bytes[PID_BYTES];
    struct json_out o;

    if (pid.n == 0) {
        io_random(s->conn->worker->io, bytes, sizeof(bytes));
        pid.n = base64_encode(BASE64_URL, (struct str){bytes, sizeof(bytes)}, made);
        pid.p = (const uint8_t *)made;
    }
    s->connecting = false;
    s->connected = true;
    buf_init(&b, ANSWER_MAX);
    json_out_init(&o, &b);
    json_out_object(&o);
    put_sid(&o, pid);
    json_out_field_str(&o, "pid", pid);
    json_out_object_end(&o);
    sio_space_send(s, &(struct socketio_packet){.type = SOCKETIO_CONNECT}, buf_peek(&b));
    send_session(s, token);
    if (s->session->state != CONN_OPEN)
        return;
    conn_mark(s->session);
    eio_renewed(s->session);
}

/* Recovery: all rooms are followed from where they were left, or none. */

static bool resumed_all(const struct request *r)
{
    struct request **children = r->call.state;

    if (r->call.error != ERROR_NONE || children == NULL)
        return false;
    for (unsigned i = 0; i < r->call.cmd.rooms.n; i++)
        if (children[i]->call.error != ERROR_NONE || children[i]->call.follow.reset)
            return false;
    return true;
}

static void give_up(struct request *r)
{
    struct request **children = r->call.state;

    for (unsigned i = 0; children != NULL && i < r->call.cmd.rooms.n; i++) {
        struct feed *feed = children[i]->held;
        struct conn_follower *cf = feed != NULL ? conn_follower(r->conn, feed) : NULL;

        if (cf != NULL)
            conn_unfollow(r->conn, cf); /* the feed is held */
        if (children[i]->call.error == ERROR_NONE)
            children[i]->call.error = ERROR_no_such_room; /* nothing of it is sent */
    }
}

static void resumed(struct request *r)
{
    struct sio_space *s = sio_space_of(r->conn);
    bool all = resumed_all(r);

    if (!s->connecting)
        return;
    if (!all)
        give_up(r);
    accept(s, all ? str_of(r->room) : (struct str){0}, (struct str){0});
}

/* The person is known. */
static void proceed(struct sio_space *s, const struct wish *x, struct str token)
{
    struct worker *w = s->conn->worker;
    unsigned rooms_max = (unsigned)w->server->conf->rooms_per_connection;
    struct caller who = session_who(s->conn);
    struct request *r;

    if (!x->has_pid || !is_pid(x->pid)) {
        accept(s, (struct str){0}, token);
        return;
    }
    if (x->offset.n == 0) { /* nothing was followed: nothing is missed */
        accept(s, x->pid, token);
        return;
    }
    r = request_new(s->conn, x->offset, resumed);
    r->call.cmd.id = COMMAND_resume;
    r->whole = true;
    memcpy(r->room, x->pid.p, x->pid.n);
    if (!sio_cursors_parse((struct str){r->bytes, r->n}, rooms_max, &r->call.cmd)) {
        session_fail(r, (struct command_problem){.code = ERROR_bad_value});
        return;
    }
    request_who(r, &who);
    session_run(r, true);
}

/* By a token; or by a name alone, as over HTTP, which makes one that the client is told. */

static void entered(struct request *r)
{
    struct sio_space *s = sio_space_of(r->conn);
    const struct frame *token = r->call.ret.token;
    struct wish x;

    if (!s->connecting)
        return;
    if (r->call.error != ERROR_NONE) {
        refuse(s, &r->call);
        return;
    }
    x = read_wish(r->worker, (struct str){r->bytes, r->n});
    proceed(s, &x, token != NULL ? frame_str(token) : (struct str){0});
}

static void identified(struct request *r)
{
    if (r->call.error == ERROR_NONE && r->conn->state == CONN_OPEN)
        r->call.error = session_enter(r->conn, &r->call.who);
    request_end(r);
}

/* The password is read before session_run returns, as all that x lends is lent. */
static void login(struct sio_space *s, struct str data, const struct wish *x)
{
    struct str name = x->name;
    struct command_limits limits = session_limits(s->conn->worker);
    struct request *r = request_new(s->conn, data, entered);
    struct command_problem problem;

    r->call.cmd.id = COMMAND_login;
    r->enters = true;
    r->local = eio_is_local(s->session);
    if (name.n > sizeof(r->name)) {
        session_fail(r, (struct command_problem){ERROR_too_long, "name"});
        return;
    }
    memcpy(r->name, name.p, name.n);
    if (command_set(&r->call.cmd, STR("name"), (struct str){(uint8_t *)r->name, name.n}, &limits,
                    &problem) &&
        (!x->has_password ||
         command_set(&r->call.cmd, STR("password"), x->password, &limits, &problem)))
        session_run(r, false);
    else
        session_fail(r, problem);
}

static void refuse_namespace(struct conn *session, struct str nsp)
{
    struct socketio_packet head = {.type = SOCKETIO_CONNECT_ERROR, .nsp = nsp};
    struct buf b CLEANUP(buf_fini);
    struct call call = {.error = ERROR_too_many_namespaces};

    buf_init(&b, ANSWER_MAX);
    socketio_append_head(&b, &head);
    put_refusal(&b, &call);
    eio_send(session, buf_peek(&b), false);
}

void sio_connect(struct conn *session, const struct socketio_packet *p)
{
    struct sio_space *s;
    struct wish x;

    if (sio_space_find(session, p->nsp) != NULL) {
        eio_end(session, METRIC_close_protocol);
        return;
    }
    s = sio_space_add(session, p->nsp);
    if (s == NULL) {
        refuse_namespace(session, p->nsp);
        return;
    }
    s->connecting = true;
    if (p->problem != JSON_OK) {
        refuse_code(s, command_json_error(p->problem));
        return;
    }
    x = read_wish(session->worker, p->data);
    if (x.has_token) {
        sio_space_forget(s);
        identify(request_new(s->conn, p->data, entered), x.token, identified);
        return;
    }
    if (s->conn->person == NULL && session->person != NULL)
        session_share(s->conn, session);
    if (s->conn->person != NULL)
        proceed(s, &x, (struct str){0});
    else if (x.has_name)
        login(s, p->data, &x);
    else
        refuse_code(s, ERROR_unauthenticated);
}
