#include "chat/command/cmd_report.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "chat/room/audit.h"
#include "chat/room/commands.h"
#include "chat/room/order.h"

#include <stdio.h>
#include <stdlib.h>

#define REPORTS_A_DAY 20
#define DAY_MS (UINT64_C(24) * 3600 * 1000)
#define LIMIT_DEFAULT 50
#define RESOLVED_MAX 100
#define SK_MAX (KEYS_ROOM_MAX + 48)
/* Two names and a line of text, and numbers. */
#define BODY_MAX 2048

_Static_assert(SK_MAX <= STORE_KEY_MAX, "the key of a report is one of the store");

/* What a call works on: call->state. */
struct report {
    char sk[SK_MAX], body[BODY_MAX], count[48];
    size_t body_n;
    struct frame *list; /* of those that are being resolved */
    size_t at;
};

static struct owner *report_owner(const struct call *call)
{
    return call->room != NULL ? call->room->owner : call->people->owner;
}

static void report_forget(struct call *call)
{
    struct report *w = call->state;

    frame_unref(w->list);
    free(w);
    call->state = NULL;
    call->forget = NULL;
}

static struct report *report_begin(struct call *call)
{
    struct report *w = mem_zeroed(1, sizeof(*w));

    assert(call->state == NULL);
    call->state = w;
    if (call->room != NULL) /* else it ends with the call, and holds nothing */
        call->forget = report_forget;
    return w;
}

/* Moderators resolve and see; in a room that has none the server's owner does. */
static enum error_code report_moderates(struct room *r, const struct call *call)
{
    enum error_code e = room_readable(r, &call->who);

    if (call->who.super)
        return ERROR_NONE;
    return e != ERROR_NONE ? e
                           : access_may(&r->access, call->who.user, false, ACCESS_TO_hold,
                                        owner_wall_ms(r->owner));
}

/* report: the message is read, then the report counted, told to moderators, and its record made:
 * none is there that they were not told of. */

static void report_put(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result != STORE_OK && req->result != STORE_CONFLICT)
        call_fail_store(call, req->result);
    else
        call_ok(call); /* the same again counts once */
}

static void report_said(struct room *r, struct call *call)
{
    struct report *w = call->state;

    (void)call_request(call, r->owner, report_put);
    call->q.put.pk = KEYS_REPORTS;
    call->q.put.sk = str_of(w->sk);
    call->q.put.body = (struct str){(const uint8_t *)w->body, w->body_n};
    store_put(r->owner->store, &call->q.put);
}

static void report_counted(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_CONFLICT) {
        call_fail_until(call, ERROR_rate_limited, 1000); /* two at once */
        return;
    }
    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    audit_say(call->room, call,
              &(struct entry){.act = STR("report"),
                              .room = room_id(call->room),
                              .target = call->cmd.target,
                              .text = call->cmd.reason},
              report_said);
}

static void report_count_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct report *w = call->state;
    struct frame *body = call->q.get.ret_body;
    uint64_t day = owner_wall_ms(call->room->owner) / DAY_MS, was = 0, n = 0, rev;
    int len;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    rev = call->q.get.ret_rev;
    if (body != NULL) {
        struct str rest = frame_str(body), first = str_cut(&rest, ' ');

        if (!str_to_u64(first, &was) || !str_to_u64(rest, &n) || was != day)
            n = 0;
    }
    frame_unref(body);
    if (n >= REPORTS_A_DAY) {
        call_fail(call, ERROR_too_many_reports);
        return;
    }
    len = snprintf(w->count, sizeof(w->count), "%llu %llu", (unsigned long long)day,
                   (unsigned long long)n + 1);
    (void)call_request(call, call->room->owner, report_counted);
    call->q.put.pk = keys_of_user(call->who.user, call->key);
    call->q.put.sk = KEYS_REPORTS;
    call->q.put.body = (struct str){(const uint8_t *)w->count, (size_t)len};
    call->q.put.expect = rev;
    store_put(call->room->owner->store, &call->q.put);
}

static void report_looked(struct store_req *req)
{
    struct call *call = call_of(req);
    bool there = call->q.get.ret_body != NULL;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    frame_unref(call->q.get.ret_body);
    if (there) {
        call_ok(call);
        return;
    }
    (void)call_request(call, call->room->owner, report_count_read);
    call->q.get.pk = keys_of_user(call->who.user, call->key);
    call->q.get.sk = KEYS_REPORTS;
    store_get(call->room->owner->store, &call->q.get);
}

static void report_message_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct room *r = call->room;
    struct report *w = call->state;
    struct frame *block = call->q.read.ret_block;
    struct store_item item;
    struct entry e;
    size_t at = 0;
    bool is;
    int n = 0;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    is = store_block_next(block, &at, &item) && item.key == call->cmd.target &&
         entry_decode(item.body, &e) == ENTRY_OK && e.kind == ENTRY_MESSAGE && e.text.n > 0 &&
         access_purged(&r->access, e.from_id, item.key) == NULL;
    if (is)
        n = snprintf(w->body, sizeof(w->body), "%llu %llu\n%.*s\n%.*s\n%.*s",
                     (unsigned long long)owner_wall_ms(r->owner), (unsigned long long)e.from_id,
                     STR_ARGS(call->who.name), STR_ARGS(e.from_name), STR_ARGS(call->cmd.reason));
    frame_unref(block);
    if (!is || n < 0 || (size_t)n >= sizeof(w->body)) {
        call_fail(call, is ? ERROR_internal : ERROR_no_such_message);
        return;
    }
    w->body_n = (size_t)n;
    (void)snprintf(w->sk, sizeof(w->sk), "%.*s:%020llu:%llu", STR_ARGS(room_id(r)),
                   (unsigned long long)call->cmd.target, (unsigned long long)call->who.user);
    (void)call_request(call, r->owner, report_looked);
    call->q.get.pk = KEYS_REPORTS;
    call->q.get.sk = str_of(w->sk);
    store_get(r->owner->store, &call->q.get);
}

void cmd_report_run(struct room *r, struct call *call)
{
    enum error_code e = room_readable(r, &call->who);

    if (e == ERROR_NONE && (r->access.kind == ACCESS_SELF || r->access.kind == ACCESS_AUDIT))
        e = ERROR_forbidden; /* nobody's words are there */
    if (e == ERROR_NONE && (call->cmd.target == 0 || call->cmd.target > r->head))
        e = ERROR_no_such_message;
    if (e == ERROR_NONE && call->cmd.reason.n == 0) {
        call->param = "reason";
        e = ERROR_empty;
    }
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    (void)report_begin(call);
    (void)call_request(call, r->owner, report_message_read);
    call->q.read.room = room_id(r);
    call->q.read.from = call->cmd.target;
    call->q.read.count_max = 1;
    call->q.read.bytes_max = 1;
    store_read(r->owner->store, &call->q.read);
}

/* reports */

/* Cuts "<room>:<seq>:<user>" from its end: a room's id may have colons. */
static bool report_key(struct str sk, struct str *ret_room, uint64_t *ret_seq, uint64_t *ret_user)
{
    size_t n = sk.n, colons = 0, at[2] = {0};

    while (n > 0 && colons < 2)
        if (sk.p[--n] == ':')
            at[colons++] = n;
    if (colons < 2)
        return false;
    *ret_room = (struct str){sk.p, at[1]};
    return str_to_u64((struct str){sk.p + at[1] + 1, at[0] - at[1] - 1}, ret_seq) &&
           str_to_u64(str_skip(sk, at[0] + 1), ret_user);
}

static void put_report(struct json_out *o, const struct store_item *item)
{
    struct str rest = item->body, room, numbers, by, name;
    uint64_t seq, user, ms, author;

    numbers = str_cut(&rest, '\n');
    by = str_cut(&rest, '\n');
    name = str_cut(&rest, '\n');
    struct str first = str_cut(&numbers, ' ');
    if (!report_key(item->name, &room, &seq, &user) || !str_to_u64(first, &ms) ||
        !str_to_u64(numbers, &author))
        return;
    json_out_object(o);
    json_out_field_str(o, "room", room);
    json_out_field_u64(o, "target", seq);
    event_user(o, "by", user, by);
    event_user(o, "user", author, name);
    json_out_field_str(o, "reason", rest);
    json_out_field_u64(o, "ts", ms);
    json_out_object_end(o);
}

static void reports_listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct frame *block = call->q.list.ret_block;
    struct json_out *o = &call->out;
    struct str last = {0};
    struct store_item item;
    size_t at = 0;
    unsigned n = 0;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    json_out_key(o, "reports");
    json_out_array(o);
    while (store_block_next(block, &at, &item)) {
        put_report(o, &item);
        last = item.name;
        n++;
    }
    json_out_array_end(o);
    if (n == call->q.list.limit)
        json_out_field_str(o, "next", last);
    frame_unref(block);
    call_ok(call);
}

static void report_prefix(struct call *call, struct report *w)
{
    (void)snprintf(w->sk, sizeof(w->sk), "%.*s:", STR_ARGS(room_id(call->room)));
}

static void reports_list(struct call *call)
{
    const struct command *c = &call->cmd;
    struct owner *o = report_owner(call);
    struct report *w = report_begin(call);

    if (call->room != NULL)
        report_prefix(call, w);
    (void)call_request(call, o, reports_listed);
    call->q.list.pk = KEYS_REPORTS;
    call->q.list.prefix = str_of(w->sk);
    call->q.list.after = c->next;
    call->q.list.limit = c->limit > 0 ? (unsigned)c->limit : LIMIT_DEFAULT;
    store_list(o->store, &call->q.list);
}

void cmd_report_list(struct room *r, struct call *call)
{
    enum error_code e = report_moderates(r, call);

    if (e == ERROR_NONE && command_has(&call->cmd, PARAM_next) &&
        !str_starts(call->cmd.next, room_id(r))) {
        call->param = "next";
        e = ERROR_bad_value;
    }
    if (e != ERROR_NONE)
        call_fail(call, e);
    else
        reports_list(call);
}

void cmd_report_server(struct people *p, struct call *call)
{
    call->people = p;
    if (call->who.super)
        reports_list(call);
    else
        call_fail(call, ERROR_forbidden);
}

/* report_resolve: what was done is noted, then the records go. */

static void resolve_next(struct room *r, struct call *call);

static void report_removed(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result != STORE_OK && req->result != STORE_CONFLICT)
        call_fail_store(call, req->result);
    else
        resolve_next(call->room, call);
}

static void resolve_next(struct room *r, struct call *call)
{
    struct report *w = call->state;
    struct store_item item;

    if (!store_block_next(w->list, &w->at, &item)) {
        call_ok(call);
        return;
    }
    (void)call_request(call, r->owner, report_removed);
    call->q.put.pk = KEYS_REPORTS;
    call->q.put.sk = item.name;
    call->q.put.expect = STORE_REV_ANY;
    call->q.put.remove = true;
    store_put(r->owner->store, &call->q.put);
}

static void resolve_listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct report *w = call->state;
    struct store_item item;
    size_t at = 0;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    w->list = call->q.list.ret_block;
    if (!store_block_next(w->list, &at, &item)) {
        call_fail(call, ERROR_no_such_report);
        return;
    }
    audit_say(call->room, call,
              &(struct entry){.act = STR("resolve"),
                              .room = room_id(call->room),
                              .target = call->cmd.target,
                              .text = call->cmd.reason},
              resolve_next);
}

void cmd_report_resolve(struct room *r, struct call *call)
{
    enum error_code e = report_moderates(r, call);
    struct report *w;

    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    order_prepares(r, call, true);
    w = report_begin(call);
    (void)snprintf(w->sk, sizeof(w->sk), "%.*s:%020llu:", STR_ARGS(room_id(r)),
                   (unsigned long long)call->cmd.target);
    (void)call_request(call, r->owner, resolve_listed);
    call->q.list.pk = KEYS_REPORTS;
    call->q.list.prefix = str_of(w->sk);
    call->q.list.limit = RESOLVED_MAX;
    store_list(r->owner->store, &call->q.list);
}
