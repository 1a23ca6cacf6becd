#include "chat/command/cmd_filter.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/filter.h"
#include "chat/room/commands.h"
#include "chat/room/screen.h"

#include <stdlib.h>

#define LIST_BYTES_MAX (FILTER_WORDS_BYTES_MAX + FILTER_HOSTS_BYTES_MAX + 1024)
#define TRIES_MAX 8

bool cmd_filter_sets(const struct command *c)
{
    return command_has(c, PARAM_words) || command_has(c, PARAM_hit) ||
           command_has(c, PARAM_links) || command_has(c, PARAM_hosts);
}

static bool wrong(struct command_problem *ret, const char *param, enum error_code code)
{
    *ret = (struct command_problem){code, param};
    return code != ERROR_NONE;
}

static bool is_hit(struct str s)
{
    return str_eq(s, STR("refuse")) || str_eq(s, STR("mask"));
}

/* What the command says of one list. words and hosts are what is kept of its lines. */
static bool change(struct filter_list *l, const struct command *c, struct buf *words,
                   struct buf *hosts, struct command_problem *ret)
{
    if (command_has(c, PARAM_words)) {
        if (wrong(ret, "words", filter_words_read(c->words, words)))
            return false;
        l->words = buf_peek(words);
    }
    if (command_has(c, PARAM_hosts)) {
        if (wrong(ret, "hosts", filter_hosts_read(c->hosts, hosts)))
            return false;
        l->hosts = buf_peek(hosts);
    }
    if (command_has(c, PARAM_hit)) {
        if (wrong(ret, "hit", is_hit(c->hit) ? ERROR_NONE : ERROR_bad_value))
            return false;
        l->masks = str_eq(c->hit, STR("mask"));
    }
    if (command_has(c, PARAM_links)) {
        int links = filter_links_find(c->links);

        if (wrong(ret, "links", links >= 0 ? ERROR_NONE : ERROR_bad_value))
            return false;
        l->links = (uint64_t)links;
    }
    return true;
}

bool cmd_filter_change(struct str bytes, const struct command *c, struct buf *b,
                       struct command_problem *ret_problem)
{
    struct filter_list list;
    struct buf words CLEANUP(buf_fini), hosts CLEANUP(buf_fini);

    assert(cmd_filter_sets(c) && buf_len(b) == 0);
    if (!filter_list_decode(bytes, &list))
        list = (struct filter_list){0};
    buf_init(&words, FILTER_WORDS_BYTES_MAX + 1);
    buf_init(&hosts, FILTER_HOSTS_BYTES_MAX + 1);
    if (!change(&list, c, &words, &hosts, ret_problem))
        return false;
    filter_list_encode(&list, b);
    if (b->failed) /* a later version stores more in it */
        return !wrong(ret_problem, "words", ERROR_too_long);
    return true;
}

static void filter_answer(struct call *call, struct str bytes)
{
    struct filter_list list;

    assert(call->cmd.id == COMMAND_filter);
    if (!filter_list_decode(bytes, &list))
        list = (struct filter_list){0};
    json_out_field_str(&call->out, "words", list.words);
    json_out_field_str(&call->out, "hit", list.masks ? STR("mask") : STR("refuse"));
    json_out_field_str(&call->out, "links", str_of(filter_links_name(list.links)));
    json_out_field_str(&call->out, "hosts", list.hosts);
    call_ok(call);
}

/* Who may set a list may read it. */
void cmd_filter_show(struct room *r, struct call *call)
{
    enum error_code e = room_readable(r, &call->who);

    assert(call->room == r);
    if (e == ERROR_NONE)
        e = access_may(&r->access, call->who.user, call->who.super, ACCESS_TO_moderate,
                       owner_wall_ms(r->owner));
    if (e != ERROR_NONE)
        call_fail(call, e);
    else
        filter_answer(call, access_settings(&r->access)->filter);
}

/* The server's list. */

struct filter_setting {
    struct people *people;
    unsigned tries;
    struct buf list; /* as it is to be */
};

static struct filter_setting *setting_of(struct call *call)
{
    assert(call->state != NULL);
    return call->state;
}

static void setting_forget(struct call *call)
{
    struct filter_setting *s = setting_of(call);

    buf_fini(&s->list);
    free(s);
    call->state = NULL;
    call->forget = NULL;
}

static void fail_setting(struct call *call, enum error_code code)
{
    call_forget(call);
    call_fail(call, code);
}

static void list_get(struct call *call);

static void list_put(struct store_req *req)
{
    struct call *call = call_of(req);
    struct filter_setting *s = setting_of(call);
    enum store_result result = req->result;

    if (result == STORE_CONFLICT && s->tries++ < TRIES_MAX) {
        list_get(call);
        return;
    }
    screen_forget(s->people->owner); /* also if it failed: it may be there */
    call_forget(call);
    if (result == STORE_OK)
        call_ok(call);
    else
        call_fail_store(call, result);
}

/* A list without anything in it is no record. */
static void put_list(struct call *call, uint64_t rev)
{
    struct filter_setting *s = setting_of(call);

    assert(!s->list.failed);
    if (buf_len(&s->list) == 0 && rev == 0) {
        call_forget(call);
        call_ok(call);
        return;
    }
    (void)call_request(call, s->people->owner, list_put);
    call->q.put.pk = KEYS_SERVER;
    call->q.put.sk = KEYS_FILTER;
    call->q.put.body = buf_len(&s->list) > 0 ? buf_peek(&s->list) : STR("-");
    call->q.put.remove = buf_len(&s->list) == 0;
    call->q.put.expect = rev;
    store_put(s->people->owner->store, &call->q.put);
}

static void list_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct filter_setting *s = setting_of(call);
    struct frame *body = call->q.get.ret_body;
    uint64_t rev = call->q.get.ret_rev;
    struct str bytes = body != NULL ? frame_str(body) : (struct str){0};
    struct command_problem problem;

    if (req->result != STORE_OK) {
        call_forget(call);
        call_fail_store(call, req->result);
        return;
    }
    if (call->cmd.id == COMMAND_filter) {
        call_forget(call);
        filter_answer(call, bytes);
    } else if (cmd_filter_change(bytes, &call->cmd, &s->list, &problem)) {
        put_list(call, rev);
    } else {
        call->param = problem.param;
        fail_setting(call, problem.code);
    }
    frame_unref(body);
}

static void list_get(struct call *call)
{
    struct filter_setting *s = setting_of(call);

    buf_clear(&s->list);
    (void)call_request(call, s->people->owner, list_read);
    call->q.get.pk = KEYS_SERVER;
    call->q.get.sk = KEYS_FILTER;
    store_get(s->people->owner->store, &call->q.get);
}

void cmd_filter_server(struct people *p, struct call *call)
{
    struct filter_setting *s;

    assert(call->state == NULL);
    if (!call->who.super) {
        call_fail(call, ERROR_forbidden);
        return;
    }
    if (call->cmd.id == COMMAND_filter_set && !cmd_filter_sets(&call->cmd)) {
        call->param = "words";
        call_fail(call, ERROR_missing_parameter);
        return;
    }
    s = mem_zeroed(1, sizeof(*s));
    s->people = p;
    buf_init(&s->list, LIST_BYTES_MAX);
    call->state = s;
    call->forget = setting_forget;
    list_get(call);
}
