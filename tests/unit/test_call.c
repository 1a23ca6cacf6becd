#include "chat/room/call.h"

#include "base/str.h"
#include "chat/room/owner.h"
#include "lib/chat_rig.h"

#include <string.h>

static unsigned done_n;

static void done(struct call *call)
{
    (void)call;
    done_n++;
}

static void begin(struct call *call, enum command_id id)
{
    memset(call, 0, sizeof(*call));
    call_init(call, 1000);
    call->cmd.id = id;
    call->done = done;
    done_n = 0;
}

/* The answer, with ' for ". */
static void is(const struct call *call, const char *want)
{
    struct buf b CLEANUP(buf_fini);
    char text[2048];
    struct str s;

    buf_init(&b, 4096);
    call_answer(call, &b);
    s = buf_peek(&b);
    assert_true(s.n < sizeof(text));
    for (size_t i = 0; i < s.n; i++)
        text[i] = s.p[i] == '"' ? '\'' : (char)s.p[i];
    text[s.n] = '\0';
    assert_string_equal(text, want);
}

static void success_is_answered_with_its_members(void **state)
{
    struct call call;

    (void)state;
    begin(&call, COMMAND_send);
    json_out_field_u64(&call.out, "seq", 7);
    json_out_field_str(&call.out, "x", STR("\""));
    call_ok(&call);
    assert_int_equal(done_n, 1);
    is(&call, "{'id':null,'ok':{'seq':7,'x':'\\''}}");
    call.cmd.reply_kind = COMMAND_REPLY_NUMBER;
    call.cmd.reply = STR("-5");
    is(&call, "{'id':-5,'ok':{'seq':7,'x':'\\''}}");
    call.cmd.reply_kind = COMMAND_REPLY_STRING;
    call.cmd.reply = STR("a\"b");
    is(&call, "{'id':'a\\'b','ok':{'seq':7,'x':'\\''}}");
    call_fini(&call);
    begin(&call, COMMAND_ping);
    call_ok(&call);
    is(&call, "{'id':null,'ok':{}}");
    call_fini(&call);
}

static void failure_is_answered_with_its_code(void **state)
{
    struct call call;

    (void)state;
    begin(&call, COMMAND_send);
    json_out_field_u64(&call.out, "seq", 7); /* is forgotten */
    call_fail(&call, ERROR_not_member);
    assert_int_equal(done_n, 1);
    is(&call, "{'id':null,'error':{'code':'not_member','message':'You are not a member of this "
              "room.'}}");
    call.param = "room";
    call.retry_after_ms = 900;
    is(&call, "{'id':null,'error':{'code':'not_member','message':'You are not a member of this "
              "room.','parameter':'room','retry_after_ms':900}}");
    call_fini(&call);

    begin(&call, COMMAND_send);
    call_fail_until(&call, ERROR_muted, 5);
    assert_int_equal(call.retry_after_ms, 5);
    call_fini(&call);
}

static void the_stores_results_have_codes(void **state)
{
    static const struct {
        enum store_result result;
        enum error_code code;
    } cases[] = {
        {STORE_FULL, ERROR_store_full},       {STORE_FAILED, ERROR_store_failed},
        {STORE_CANCELED, ERROR_store_failed}, {STORE_CONFLICT, ERROR_store_failed},
        {STORE_BEHIND, ERROR_store_behind},
    };

    (void)state;
    for (unsigned i = 0; i < COUNTOF(cases); i++) {
        struct call call;

        begin(&call, COMMAND_send);
        call_fail_store(&call, cases[i].result);
        assert_int_equal(call.error, cases[i].code);
        assert_int_equal(done_n, 1);
        call_fini(&call);
    }
}

/* An answer that does not fit is an error, not half an answer. */
static void an_answer_that_does_not_fit_is_an_error(void **state)
{
    struct call call;

    (void)state;
    begin(&call, COMMAND_members);
    for (int i = 0; i < 200; i++)
        json_out_field_str(&call.out, "key", STR("value"));
    call_ok(&call);
    assert_int_equal(call.error, ERROR_internal);
    call_fini(&call);
}

/* Whatever ends a call, it lets go of its room, which can then be freed. */
static void an_ended_call_lets_go_of_its_room(void **state)
{
    static const char *const texts[] = {
        "{'action':'join','room':'r'}",
        "{'action':'join','room':'new','create':false}",
        "{'action':'send','room':'r','text':'hi'}",
        "{'action':'send','room':'none','text':'hi'}",
        "{'action':'history','room':'r'}",
        "{'action':'history','room':'none'}",
        "{'action':'edit','room':'r','target':2,'text':'x'}",
        "{'action':'delete','room':'r','target':99}",
        "{'action':'react','room':'r','target':2,'emoji':'\xf0\x9f\x91\x8d'}",
        "{'action':'typing','room':'r'}",
        "{'action':'read','room':'r','seq':1}",
        "{'action':'presence','room':'r'}",
        "{'action':'members','room':'r'}",
        "{'action':'member_set','room':'r','user':99,'role':'member'}",
        "{'action':'room_set','room':'r','title':'x'}",
        "{'action':'room_create','room':'r'}",
        "{'action':'dm','user':99}",
        "{'action':'dm','user':5}",
        "{'action':'leave','room':'r'}",
        "{'action':'rooms'}",
    };
    struct chat_rig *r = *state;

    for (int fails = 0; fails < 2; fails++) {
        for (unsigned i = 0; i < COUNTOF(texts); i++) {
            struct chat_rig_call *c;

            if (fails) { /* each of its requests in turn, until it makes no more */
                for (unsigned n = 0;; n++) {
                    unsigned seen = 0;

                    memset(r->gate->closed, 1, sizeof(r->gate->closed));
                    c = chat_rig_start(r, 5, "%s", texts[i]);
                    while (!c->ended) {
                        if (r->gate->held_n > 0 && seen++ == n)
                            store_gate_fail(r->gate, 0, STORE_FAILED);
                        else if (r->gate->held_n > 0)
                            store_gate_let(r->gate, 0);
                        assert_true(chat_rig_turn(r));
                    }
                    chat_rig_free(c);
                    store_gate_open(r->gate);
                    chat_rig_rest(r, 20);
                    (void)chat_rig_do(r, 5, "{'action':'history','room':'audit:r'}"); /* no acts are
                                                                     left for the next to note */
                    if (seen <= n)
                        break;
                }
            } else {
                (void)chat_rig_do(r, 5, "%s", texts[i]);
            }
            chat_rig_rest(r, 8000); /* positions, records, a second look */
            assert_false(owner_busy(&r->owner));
        }
    }
}

#define RIG(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(cmocka_unit_test(success_is_answered_with_its_members),
           cmocka_unit_test(failure_is_answered_with_its_code),
           cmocka_unit_test(the_stores_results_have_codes),
           cmocka_unit_test(an_answer_that_does_not_fit_is_an_error),
           RIG(an_ended_call_lets_go_of_its_room))
