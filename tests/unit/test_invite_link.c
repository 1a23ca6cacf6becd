/* Invite links (chat/people/invite_link.h, chat/command/cmd_invite.c). */
#include "base/str.h"
#include "chat/people/invite_link.h"
#include "lib/chat_rig.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define WEEK_MS ((uint64_t)7 * 24 * 3600 * 1000)

struct link {
    char code[INVITE_LINK_CODE + 1], id[INVITE_LINK_ID + 1];
};

/* What stands behind "'key':'" in the answer, n bytes of it. */
static void text_of(const char *answer, const char *key, char *to, size_t n)
{
    char name[40];
    const char *at;

    (void)snprintf(name, sizeof(name), "'%s':'", key);
    at = strstr(answer, name);
    assert_non_null(at);
    memcpy(to, at + strlen(name), n);
    to[n] = '\0';
    assert_true(at[strlen(name) + n] == '\'');
}

static struct link make(struct chat_rig *r, uint64_t user, const char *params)
{
    struct link l;
    const char *answer = chat_rig_do(r, user, "{'action':'invite_create','room':'den'%s}", params);

    chat_rig_has(answer, "'ok'");
    text_of(answer, "code", l.code, INVITE_LINK_CODE);
    text_of(answer, "id", l.id, INVITE_LINK_ID);
    return l;
}

static const char *use(struct chat_rig *r, uint64_t user, const struct link *l)
{
    return chat_rig_do(r, user, "{'action':'invite_use','code':'%s'}", l->code);
}

static const char *as_super(struct chat_rig *r, const char *text)
{
    static char answer[CHAT_RIG_TEXT];
    struct chat_rig_call *c = chat_rig_start_super(r, 99, text);

    (void)snprintf(answer, sizeof(answer), "%s", chat_rig_wait(c));
    chat_rig_free(c);
    return answer;
}

/* A private room of user 1; 2 is a member of it. */
static void begin(struct chat_rig *r)
{
    chat_rig_put(r, "u:1", "user", "uu1");
    chat_rig_put(r, "u:2", "user", "uu2");
    chat_rig_put(r, "u:3", "user", "uu3");
    chat_rig_has(
        chat_rig_do(r, 1, "{'action':'room_create','room':'den','title':'Den','kind':'private'}"),
        "'ok'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'member_set','room':'den','user':2,'role':'member'}"),
                 "'ok'");
}

static void a_link_lets_in(void **state)
{
    struct chat_rig *r = *state;
    struct link l;

    begin(r);
    l = make(r, 1, "");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'join','room':'den'}"), "not_member");
    chat_rig_has(use(r, 3, &l), "'room':{'id':'den','kind':'private','title':'Den'");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'join','room':'den'}"), "'role':'member'");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'rooms'}"), "'id':'den'");
    chat_rig_restart(r);
    chat_rig_has(use(r, 4, &l), "'ok'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'invites','room':'den'}"), "'used':2}]");
}

/* A person who is in already is let through, and none is used up. */
static void members_use_nothing_up(void **state)
{
    struct chat_rig *r = *state;
    struct link l;

    begin(r);
    l = make(r, 1, ",'uses':1");
    chat_rig_has(use(r, 2, &l), "'ok'");
    chat_rig_has(use(r, 1, &l), "'ok'");
    chat_rig_has(use(r, 3, &l), "'ok'");
    chat_rig_has(use(r, 3, &l), "no_such_invite"); /* it is used up, whoever comes */
    chat_rig_has(use(r, 4, &l), "no_such_invite");
}

/* Of many at once as many come in as the link has uses: each of them reads it before any of them
 * has written. */
static void uses_are_counted_exactly(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *calls[6];
    unsigned in = 0;
    struct link l;

    begin(r);
    l = make(r, 1, ",'uses':2");
    r->gate->closed[STORE_PUT] = true;
    for (unsigned i = 0; i < COUNTOF(calls); i++)
        calls[i] = chat_rig_start(r, 10 + i, "{'action':'invite_use','code':'%s'}", l.code);
    while (r->gate->held_n < COUNTOF(calls))
        assert_true(chat_rig_turn(r));
    r->gate->closed[STORE_PUT] = false;
    store_gate_open(r->gate);
    for (unsigned i = 0; i < COUNTOF(calls); i++) {
        const char *answer = chat_rig_wait(calls[i]);

        if (strstr(answer, "'ok'") != NULL)
            in++;
        else
            chat_rig_has(answer, "no_such_invite");
        chat_rig_free(calls[i]);
    }
    assert_int_equal(in, 2);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'invites','room':'den'}"), "'uses':2,'used':2}");
    assert_int_equal(map_n(&chat_rig_room(r, "den")->access.members), 4);
}

static void links_end(void **state)
{
    struct chat_rig *r = *state;
    uint64_t now = owner_wall_ms(&r->owner);
    char params[60];
    struct link l;

    begin(r);
    l = make(r, 1, "");
    chat_rig_rest(r, WEEK_MS + 1000);
    chat_rig_has(use(r, 3, &l), "no_such_invite");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'invites','room':'den'}"), "'invites':[]");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'invite_create','room':'den','expires':%llu}",
                             (unsigned long long)now),
                 "bad_value");
    (void)snprintf(params, sizeof(params), ",'expires':0");
    l = make(r, 1, params);
    chat_rig_rest(r, 10 * WEEK_MS);
    chat_rig_has(use(r, 3, &l), "'ok'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'invite_revoke','room':'den','invite':'%s'}", l.id),
                 "'ok'");
    chat_rig_has(use(r, 4, &l), "no_such_invite");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'invite_revoke','room':'den','invite':'%s'}", l.id),
                 "no_such_invite");
}

/* Members make links where they may invite; they see and end their own; moderators all. */
static void whose_links_are_whose(void **state)
{
    struct chat_rig *r = *state;
    struct link mine, theirs;

    begin(r);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'invite_create','room':'den'}"), "forbidden");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'invite_create','room':'den'}"), "not_member");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'invites','room':'den'}"), "not_member");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'den','invite':'members'}"),
                 "'ok'");
    mine = make(r, 1, "");
    theirs = make(r, 2, "");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'invites','room':'den'}"), theirs.id);
    chat_rig_has_not(chat_rig_do(r, 2, "{'action':'invites','room':'den'}"), mine.id);
    chat_rig_has(
        chat_rig_do(r, 2, "{'action':'invite_revoke','room':'den','invite':'%s'}", mine.id),
        "no_such_invite");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'invites','room':'den'}"), theirs.id);
    /* Who may invite no longer has no links any more, though they are there. */
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'den','invite':'moderators'}"),
                 "'ok'");
    chat_rig_has(use(r, 3, &theirs), "no_such_invite");
    chat_rig_has(use(r, 3, &mine), "'ok'");
    chat_rig_has(
        chat_rig_do(r, 1, "{'action':'invite_revoke','room':'den','invite':'%s'}", theirs.id),
        "'ok'");
}

/* Nobody comes back in by a link who was banned, and it is not used up by trying. */
static void the_banned_stay_out(void **state)
{
    struct chat_rig *r = *state;
    struct link l;

    begin(r);
    l = make(r, 1, ",'uses':1");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'member_set','room':'den','user':3,'role':'banned'}"),
                 "'ok'");
    chat_rig_has(use(r, 3, &l), "banned");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'den','archived':true}"), "'ok'");
    chat_rig_has(use(r, 4, &l), "archived");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'den','archived':false}"), "'ok'");
    chat_rig_has(use(r, 4, &l), "'ok'");
}

/* What was taken for somebody who is refused in the end is given back. */
static void a_use_for_nothing_is_given_back(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *one;
    struct link l;

    begin(r);
    l = make(r, 1, ",'uses':1");
    r->gate->closed[STORE_PUT] = true;
    one = chat_rig_start(r, 3, "{'action':'invite_use','code':'%s'}", l.code);
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    r->gate->closed[STORE_PUT] = false;
    chat_rig_has(chat_rig_do(r, 1, "{'action':'member_set','room':'den','user':3,'role':'banned'}"),
                 "'ok'");
    store_gate_open(r->gate);
    chat_rig_has(chat_rig_wait(one), "banned");
    chat_rig_free(one);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'invites','room':'den'}"), "'used':0}");
    chat_rig_has(use(r, 4, &l), "'ok'");
}

/* The store has the hash of the code under which the link is, and the code nowhere. */
static void the_code_is_not_stored(void **state)
{
    struct chat_rig *r = *state;
    char pk[80], sk[40], hash[INVITE_LINK_HASH + 1] = {0};
    struct link l;

    begin(r);
    l = make(r, 1, "");
    invite_link_hash(str_of(l.code), hash);
    assert_true(strspn(hash, "0123456789abcdef") == INVITE_LINK_HASH);
    assert_memory_not_equal(hash, l.code, INVITE_LINK_CODE);
    (void)snprintf(pk, sizeof(pk), "link:%s", hash);
    chat_rig_has(chat_rig_record(r, pk, "link"), "1 0 ");
    chat_rig_has_not(chat_rig_record(r, pk, "link"), l.code);
    (void)snprintf(sk, sizeof(sk), "link:%s", l.id);
    assert_string_equal(chat_rig_record(r, "r:den", sk), hash);
}

struct taking {
    struct invite_link_use use;
    bool over;
};

static void taking_over(struct invite_link_use *u)
{
    CONTAINER_OF(u, struct taking, use)->over = true;
}

static enum error_code sign_up(struct chat_rig *r, const char *code)
{
    struct taking t = {.use = {.owner = &r->owner, .done = taking_over, .signup = true}};

    invite_link_take(&t.use, str_of(code));
    while (!t.over)
        assert_true(chat_rig_turn(r));
    return t.use.ret_error;
}

/* A link to sign up is the server's owner's, and is no link into a room. */
static void signing_up_is_another_thing(void **state)
{
    struct chat_rig *r = *state;
    struct link l, room;
    const char *answer;

    begin(r);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'invite_create'}"), "forbidden");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'invites'}"), "forbidden");
    answer = as_super(r, "{'action':'invite_create','uses':2}");
    text_of(answer, "code", l.code, INVITE_LINK_CODE);
    text_of(answer, "id", l.id, INVITE_LINK_ID);
    room = make(r, 1, "");
    chat_rig_has(use(r, 3, &l), "no_such_invite");
    assert_int_equal(sign_up(r, room.code), ERROR_no_such_invite);
    assert_int_equal(sign_up(r, l.code), ERROR_NONE);
    assert_int_equal(sign_up(r, l.code), ERROR_NONE);
    assert_int_equal(sign_up(r, l.code), ERROR_no_such_invite);
    assert_int_equal(sign_up(r, "a guess"), ERROR_no_such_invite);
    chat_rig_has(as_super(r, "{'action':'invites'}"), "'uses':2,'used':2}]");
}

static void there_are_not_too_many(void **state)
{
    struct chat_rig *r = *state;

    begin(r);
    for (unsigned i = 0; i < 100; i++)
        (void)make(r, 1, "");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'invite_create','room':'den'}"), "too_many_invites");
}

static void a_value_reads_back(void **state)
{
    static const char *const bad[] = {"", "1", "1 0 2 3 4", "x 0 1 2 3 4 r", "1 0 1 2 3 x r"};
    struct invite_link l = {7, 1, 2, 3, 4, true, "den", 3}, back = {0};
    char body[200];

    (void)state;
    assert_true(invite_link_decode(invite_link_encode(&l, body, sizeof(body)), &back));
    assert_string_equal(body, "7 1 1 2 3 4 den");
    assert_true(back.by == 7 && back.super && back.created_ms == 1 && back.expires_ms == 2);
    assert_true(back.uses == 3 && back.used == 4 && back.room_n == 3);
    assert_memory_equal(back.room, "den", 3);
    for (unsigned i = 0; i < COUNTOF(bad); i++)
        assert_false(invite_link_decode(str_of(bad[i]), &back));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(TEST(a_link_lets_in), TEST(members_use_nothing_up), TEST(uses_are_counted_exactly),
           TEST(links_end), TEST(whose_links_are_whose), TEST(the_banned_stay_out),
           TEST(a_use_for_nothing_is_given_back), TEST(the_code_is_not_stored),
           TEST(signing_up_is_another_thing), TEST(there_are_not_too_many),
           cmocka_unit_test(a_value_reads_back))
