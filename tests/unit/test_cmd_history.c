#include "chat/room/commands.h"

#include "lib/chat_rig.h"

#include <stdio.h>

#define LOG "{'action':'history','id':1,'room':'r','view':'log'"

/* The seqs of an answer's entries, as "1 2 3". */
static const char *seqs(const char *answer)
{
    static char text[4096];
    size_t n = 0;

    text[0] = '\0';
    for (const char *at = answer; (at = strstr(at, "'room':'r','seq':")) != NULL; at++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%lu", n > 0 ? " " : "",
                              strtoul(at + 17, NULL, 10));
    return text;
}

/* Messages 2, 4, 6, ..., each followed by an edit; the head is n + 1. */
static struct chat_rig *begin(void **state, unsigned n)
{
    struct chat_rig *r = *state;

    (void)chat_rig_do(r, 1, "{'action':'join','room':'r'}");
    for (unsigned seq = 2; seq <= n + 1; seq += 2) {
        (void)chat_rig_do(r, 1, "{'action':'send','room':'r','text':'message %u'}", seq);
        (void)chat_rig_do(r, 1, "{'action':'edit','room':'r','target':%u,'text':'edit of %u'}", seq,
                          seq);
    }
    return r;
}

static void ranges(void **state)
{
    struct chat_rig *r = begin(state, 10);

    assert_string_equal(seqs(chat_rig_do(r, 1, LOG "}")), "1 2 3 4 5 6 7 8 9 10 11");
    assert_string_equal(seqs(chat_rig_do(r, 1, LOG ",'limit':3}")), "9 10 11");
    assert_string_equal(seqs(chat_rig_do(r, 1, LOG ",'limit':3,'before':5}")), "2 3 4");
    assert_string_equal(seqs(chat_rig_do(r, 1, LOG ",'limit':9,'before':3}")), "1 2");
    assert_string_equal(seqs(chat_rig_do(r, 1, LOG ",'before':1}")), "");
    assert_string_equal(seqs(chat_rig_do(r, 1, LOG ",'limit':2,'before':99}")), "10 11");
    assert_string_equal(seqs(chat_rig_do(r, 1, LOG ",'limit':3,'after':0}")), "1 2 3");
    assert_string_equal(seqs(chat_rig_do(r, 1, LOG ",'limit':3,'after':9}")), "10 11");
    assert_string_equal(seqs(chat_rig_do(r, 1, LOG ",'after':11}")), "");
    assert_string_equal(seqs(chat_rig_do(r, 1, LOG ",'after':99}")), "");
    chat_rig_has(chat_rig_do(r, 1, LOG ",'limit':3}"), "'more':true,'head':{'seq':11,'count':5}");
    chat_rig_has(chat_rig_do(r, 1, LOG ",'limit':11}"), "'more':false");
    chat_rig_has(chat_rig_do(r, 1, LOG ",'limit':11,'after':0}"), "'more':false");
    chat_rig_has(chat_rig_do(r, 1, LOG ",'limit':10,'after':0}"), "'more':true");
}

static void messages_read_as_they_are_now(void **state)
{
    struct chat_rig *r = begin(state, 300);
    const char *answer = chat_rig_do(r, 1, "{'action':'history','room':'r','limit':3}");

    assert_string_equal(seqs(answer), "296 298 300");
    chat_rig_has(answer, "'text':'edit of 298','rev':299,'edited':");
    chat_rig_has_not(answer, "'text':'message");
    answer = chat_rig_do(r, 1, "{'action':'history','room':'r','limit':2,'after':150}");
    assert_string_equal(seqs(answer), "152 154");
    answer = chat_rig_do(r, 1, "{'action':'history','room':'r','limit':500}");
    assert_int_equal(strncmp(seqs(answer), "2 4 6 ", 6), 0);
    chat_rig_has(answer, "'more':false");
}

/* A long page is cut where its bytes end, at the far end. */
static void a_page_has_a_size(void **state)
{
    struct chat_rig *r = begin(state, 100);
    const char *answer;

    r->owner.limits.history_max = 1000;
    answer = chat_rig_do(r, 1, LOG ",'limit':100}");
    assert_int_equal(strcmp(seqs(answer) + strlen(seqs(answer)) - 3, "101"), 0);
    assert_in_range(strlen(answer), 500, 1300);
    chat_rig_has(answer, "'more':true");
    answer = chat_rig_do(r, 1, LOG ",'limit':100,'after':0}");
    assert_int_equal(strncmp(seqs(answer), "1 2 3 ", 6), 0);
    assert_in_range(strlen(answer), 500, 1300);
    r->owner.limits.history_max = 1;
    assert_string_equal(seqs(chat_rig_do(r, 1, LOG ",'limit':100}")), "101");
}

/* Reading a page from end to end shows every entry once. */
static void pages_join(void **state)
{
    struct chat_rig *r = begin(state, 200);
    uint64_t seen = 201;

    for (uint64_t before = 202; before > 1;) {
        const char *answer =
            chat_rig_do(r, 1, LOG ",'limit':7,'before':%llu}", (unsigned long long)before);
        const char *at = strrchr(seqs(answer), ' ');

        assert_int_equal(strtoull(at != NULL ? at : seqs(answer), NULL, 10), before - 1);
        before = strtoull(seqs(answer), NULL, 10);
        assert_true(before < seen);
        seen = before;
    }
    assert_int_equal(seen, 1);
}

static void end_append(struct store_req *req)
{
    req->done = NULL;
}

/* Messages that no command would take: longer than this server's limit. */
static void append_long(struct chat_rig *r, uint64_t head, unsigned n)
{
    static uint8_t text[200 * 1024];
    struct entry e = {.kind = ENTRY_MESSAGE, .from_id = 1, .text = {text, sizeof(text)}};
    struct buf body CLEANUP(buf_fini);
    struct str entry;

    memset(text, 'x', sizeof(text));
    buf_init(&body, 2 * sizeof(text));
    entry_encode(&e, &body);
    entry = buf_peek(&body);
    for (; n > 0; n--, head++) {
        struct store_append append = {.req = {.home = r->io, .done = end_append},
                                      .room = STR("r"),
                                      .head = head,
                                      .entries = &entry,
                                      .entries_n = 1};

        store_append(r->mem, &append);
        while (append.req.done != NULL)
            assert_true(chat_rig_turn(r));
        assert_int_equal(append.req.result, STORE_OK);
    }
}

/* Entries so long that one read does not give the page: the newest come all the same. */
static void a_page_of_long_entries_is_read(void **state)
{
    struct chat_rig *r = *state;

    (void)chat_rig_do(r, 1, "{'action':'join','room':'r'}");
    append_long(r, 1, 199);
    chat_rig_restart(r);
    for (unsigned before = 201; before > 195; before--) {
        struct chat_rig_call *c = chat_rig_start(r, 1, LOG ",'limit':400,'before':%u}", before);
        char head[64];

        while (!c->ended)
            assert_true(chat_rig_turn(r));
        assert_int_equal(c->call.error, ERROR_NONE);
        (void)snprintf(head, sizeof(head), "\"seq\":%u,", before - 1);
        assert_non_null(memmem(buf_peek(&c->call.ok).p, 200, head, strlen(head)));
        chat_rig_free(c);
    }
}

/* Who may no longer read when the page has been read does not get it. */
static void what_was_read_goes_to_who_may_read(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c, *removes;
    struct room *room;
    uint64_t head;

    chat_rig_put(r, "u:2", "user", "ubo");
    (void)chat_rig_do(r, 1, "{'action':'room_create','room':'r','kind':'private'}");
    (void)chat_rig_do(r, 1, "{'action':'member_set','room':'r','user':2,'role':'member'}");
    (void)chat_rig_do(r, 1, "{'action':'send','room':'r','text':'secret'}");
    chat_rig_has(chat_rig_do(r, 2, LOG "}"), "secret");
    chat_rig_has(chat_rig_do(r, 3, LOG "}"), "'not_member'");
    for (int view = 0; view < 2; view++) {
        r->gate->closed[STORE_READ] = true;
        c = chat_rig_start(r, 2, "{'action':'history','room':'r','view':'%s'}",
                           view == 0 ? "log" : "messages");
        room = chat_rig_room(r, "r");
        head = room->head;
        removes = chat_rig_start(r, 1, "{'action':'member_set','room':'r','user':2,'role':'none'}");
        while (room->head == head) /* what moderators are told of it is read behind this one */
            assert_true(chat_rig_turn(r));
        store_gate_open(r->gate);
        chat_rig_has(chat_rig_wait(c), "'not_member'");
        chat_rig_free(c);
        chat_rig_has(chat_rig_wait(removes), "'ok'");
        chat_rig_free(removes);
        (void)chat_rig_do(r, 1, "{'action':'member_set','room':'r','user':2,'role':'member'}");
    }
}

static void rooms_that_are_not_there(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_has(chat_rig_do(r, 1, LOG "}"), "'no_such_room'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'history','id':1,'room':'@1'}"), "'entries':[]");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'history','id':1,'room':'@2'}"), "'not_member'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'history','id':1,'room':'dm:2:3'}"), "'not_member'");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(EACH(ranges), EACH(messages_read_as_they_are_now), EACH(a_page_has_a_size),
           EACH(pages_join), EACH(a_page_of_long_entries_is_read),
           EACH(what_was_read_goes_to_who_may_read), EACH(rooms_that_are_not_there))
