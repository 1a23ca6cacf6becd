#include "chat/model/event.h"

#include "base/json.h"
#include "base/str.h"
#include "lib/check.h"

static struct buf out;

static int begin(void **state)
{
    (void)state;
    buf_init(&out, 65536);
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_fini(&out);
    return 0;
}

/* ' stands for ". Empties out. */
static void is(const char *want)
{
    char text[2048];
    struct str s = buf_peek(&out);

    assert_true(s.n < sizeof(text));
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    for (size_t i = 0; i < s.n; i++)
        if (text[i] == '"')
            text[i] = '\'';
    assert_string_equal(text, want);
    buf_clear(&out);
}

static void encode(struct entry e, const struct amend *amend)
{
    e.count = 98;
    e.ts_ms = 5;
    e.from_id = 7;
    e.from_name = STR("ana");
    event_encode(&out, STR("room"), 124, &e, amend);
}

#define HEAD "'room':'room','seq':124,'count':98,'ts':5,'from':{'id':7,'name':'ana'}"

static void a_message(void **state)
{
    (void)state;
    encode((struct entry){.kind = ENTRY_MESSAGE, .text = STR("hi"), .cid = STR("k3")}, NULL);
    is("{'event':'message'," HEAD ",'text':'hi','cid':'k3','rev':124}");
    encode((struct entry){.kind = ENTRY_MESSAGE, .text = STR("hi"), .reply_to = 9}, NULL);
    is("{'event':'message'," HEAD ",'text':'hi','reply_to':9,'rev':124}");
}

static void changes(void **state)
{
    (void)state;
    encode((struct entry){.kind = ENTRY_EDIT, .target = 9, .text = STR("ho")}, NULL);
    is("{'event':'edit'," HEAD ",'target':9,'text':'ho'}");
    encode((struct entry){.kind = ENTRY_EDIT, .target = 9}, NULL);
    is("{'event':'edit'," HEAD ",'target':9,'text':''}");
    encode((struct entry){.kind = ENTRY_DELETE, .target = 9}, NULL);
    is("{'event':'delete'," HEAD ",'target':9}");
    encode((struct entry){.kind = ENTRY_REACT, .target = 9, .emoji = STR("x"), .on = true}, NULL);
    is("{'event':'react'," HEAD ",'target':9,'emoji':'x','on':true}");
    encode((struct entry){.kind = ENTRY_REACT, .target = 9, .emoji = STR("x")}, NULL);
    is("{'event':'react'," HEAD ",'target':9,'emoji':'x','on':false}");
}

static void rooms_and_people(void **state)
{
    (void)state;
    encode((struct entry){.kind = ENTRY_ROOM, .title = STR("T"), .room_kind = STR("private")},
           NULL);
    is("{'event':'room'," HEAD ",'title':'T','kind':'private'}");
    encode((struct entry){.kind = ENTRY_ROOM}, NULL);
    is("{'event':'room'," HEAD ",'title':''}");
    encode((struct entry){.kind = ENTRY_MEMBER,
                          .user_id = 8,
                          .user_name = STR("bo"),
                          .role = STR("muted"),
                          .until_ms = 99},
           NULL);
    is("{'event':'member'," HEAD ",'user':{'id':8,'name':'bo'},'role':'muted','until':99}");
    encode((struct entry){.kind = ENTRY_MEMBER, .user_id = 8, .role = STR("none")}, NULL);
    is("{'event':'member'," HEAD ",'user':{'id':8,'name':''},'role':'none'}");
    encode((struct entry){.kind = ENTRY_INVITE,
                          .room = STR("dm:7:8"),
                          .room_kind = STR("direct"),
                          .title = STR("")},
           NULL);
    is("{'event':'invite'," HEAD ",'to':'dm:7:8','kind':'direct','title':''}");
    encode((struct entry){.kind = ENTRY_PREF, .room = STR("r"), .text = STR("muted hidden:4")},
           NULL);
    is("{'event':'pref'," HEAD ",'to':'r','muted':true,'hidden':true}");
    encode((struct entry){.kind = ENTRY_BLOCK, .user_id = 9, .user_name = STR("eve"), .on = true},
           NULL);
    is("{'event':'block'," HEAD ",'user':{'id':9,'name':'eve'},'on':true}");
    encode((struct entry){.kind = ENTRY_PROFILE}, NULL);
    is("{'event':'profile'," HEAD "}");
}

/* Kinds of later versions pass: clients ignore what they do not know. */
static void kinds_of_later(void **state)
{
    (void)state;
    encode((struct entry){.kind = 200, .text = STR("x")}, NULL);
    is("{'event':'unknown'," HEAD ",'kind':200}");
    encode((struct entry){.kind = 255}, NULL);
    is("{'event':'unknown'," HEAD ",'kind':255}");
    encode((struct entry){.kind = 0}, NULL);
    is("{'event':'unknown'," HEAD ",'kind':0}");
}

static void what_is_lost(void **state)
{
    (void)state;
    encode((struct entry){.kind = ENTRY_LOST}, NULL);
    is("{'event':'lost'," HEAD "}");
}

static void what_became_of_a_message(void **state)
{
    struct entry e = {.kind = ENTRY_MESSAGE, .text = STR("hi")};
    struct buf reactions CLEANUP(buf_fini);
    struct amend amend = {.rev = 130, .target = 124};

    (void)state;
    buf_init(&reactions, 1000);
    assert_true(amend_react(NULL, STR("\xf0\x9f\x91\x8d"), 3, true, AMEND_LIMITS, &reactions));
    amend.reactions = buf_peek(&reactions);
    encode(e, &amend);
    is("{'event':'message'," HEAD ",'text':'hi','rev':130,'reactions':{'\xf0\x9f\x91\x8d':[3]}}");
    amend.edited = true;
    amend.edited_ts_ms = 6;
    amend.text = STR("ho");
    encode(e, &amend);
    is("{'event':'message'," HEAD
       ",'text':'ho','rev':130,'edited':6,'reactions':{'\xf0\x9f\x91\x8d':[3]}}");
    amend.deleted = true;
    encode(e, &amend);
    is("{'event':'message'," HEAD ",'text':'','rev':130,'deleted':true}");
}

static void texts_are_escaped(void **state)
{
    struct json j;
    uint8_t copy[1024];
    struct str s;

    (void)state;
    event_encode(&out, STR("room"), 1,
                 &(struct entry){.kind = ENTRY_MESSAGE,
                                 .from_name = STR("a\"},\"x\":{\""),
                                 .text = STR("\"\\\n\r\t\x01\x1f</script>\x7f\xe2\x80\xa8"),
                                 .cid = STR("c\"")},
                 NULL);
    s = buf_peek(&out);
    for (size_t i = 0; i < s.n; i++)
        assert_true(s.p[i] >= 0x20);
    memcpy(copy, s.p, s.n);
    json_init(&j, copy, s.n, 4);
    assert_int_equal(json_next(&j), JSON_OBJECT);
    for (enum json_token t; (t = json_next(&j)) != JSON_OBJECT_END;) {
        if (str_eq(j.key, STR("text")))
            assert_true(str_eq(j.str, STR("\"\\\n\r\t\x01\x1f</script>\x7f\xe2\x80\xa8")));
        assert_false(str_eq(j.key, STR("x")));
        assert_true(json_skip(&j, t));
    }
    assert_int_equal(json_next(&j), JSON_END);
}

/* Of entries, and of what is for one connection alone. */
static void events_have_names(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 256; kind++) {
        encode((struct entry){.kind = (uint8_t)kind}, NULL);
        assert_true(str_eq(event_name_of(buf_peek(&out)), event_name((uint8_t)kind)));
        buf_clear(&out);
    }
    assert_true(str_eq(event_name(ENTRY_REACT), STR("react")));
    assert_true(str_eq(event_name(0), STR("unknown")));
    event_expiring(&out, 7);
    assert_true(str_eq(event_name_of(buf_peek(&out)), STR("expiring")));
    buf_clear(&out);
}

static void casts(void **state)
{
    (void)state;
    event_typing(&out, STR("r"), 7, STR("ana"), true);
    is("{'event':'typing','room':'r','from':{'id':7,'name':'ana'},'on':true}");
    event_read(&out, STR("r"), 7, 8, 9);
    is("{'event':'read','room':'r','user':7,'seq':8,'count':9}");
    event_behind(&out, STR("r"), 1, 5);
    is("{'event':'behind','room':'r','from':1,'to':5}");
    event_reset(&out, STR("r"), 9007199254740991, 1, 5, 3);
    is("{'event':'reset','room':'r','epoch':9007199254740991,'head':{'seq':5,'count':3}}");
    buf_clear(&out);
    event_reset(&out, STR("r"), 7, 4, 5, 3);
    is("{'event':'reset','room':'r','epoch':7,'first':4,'head':{'seq':5,'count':3}}");
    event_move(&out, STR("drain"), 250, 9500);
    is("{'event':'move','reason':'drain','delay_ms':250,'within_ms':9500}");
    event_expiring(&out, 77);
    is("{'event':'expiring','expires':77}");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, begin, end)

CHECK_MAIN(EACH(a_message), EACH(changes), EACH(rooms_and_people), EACH(kinds_of_later),
           EACH(what_is_lost), EACH(what_became_of_a_message), EACH(texts_are_escaped),
           EACH(events_have_names), EACH(casts))
