#include "chat/model/command.h"

#include "base/str.h"
#include "lib/check.h"

#include <stdio.h>

static const struct command_limits limits = {.text_max = 10, .rooms_max = 3};

/* What was parsed last; its strings borrow from bytes. */
static struct command c;
static struct command_problem problem;
static uint8_t bytes[65536];

/* ' is written for ", to be readable. */
static size_t unquote(const char *text)
{
    size_t n = strlen(text);

    assert_true(n <= sizeof(bytes));
    for (size_t i = 0; i < n; i++)
        bytes[i] = text[i] == '\'' ? '"' : (uint8_t)text[i];
    return n;
}

static bool parse(const char *text)
{
    size_t n = unquote(text);

    command_fini(&c);
    problem = (struct command_problem){0};
    return command_parse(&c, bytes, n, &limits, &problem);
}

static bool parse_params(enum command_id id, const char *text)
{
    size_t n = unquote(text);

    command_fini(&c);
    problem = (struct command_problem){0};
    return command_parse_params(&c, id, bytes, n, &limits, &problem);
}

static void fails(const char *text, enum error_code code, const char *param)
{
    if (parse(text))
        fail_msg("accepted: %s", text);
    if (problem.code != code)
        fail_msg("%s for %s", command_error_name(problem.code), text);
    if (param == NULL)
        assert_null(problem.param);
    else if (problem.param == NULL)
        fail_msg("no parameter for %s", text);
    else
        assert_string_equal(problem.param, param);
}

static bool has_only(const enum command_param *params, unsigned n)
{
    struct command wanted = {.id = c.id};

    for (unsigned i = 0; i < n; i++)
        command_give(&wanted, params[i]);
    return memcmp(wanted.has, c.has, sizeof(c.has)) == 0;
}

static void is(struct str s, const char *want)
{
    if (!str_eq(s, str_of(want)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARGS(s), want);
}

static void a_command_is_read(void **state)
{
    (void)state;
    assert_true(parse("{'action':'send','id':7,'room':'general','text':'hi','cid':'k3','seen':12,"
                      "'reply_to':3}"));
    assert_int_equal(c.id, COMMAND_send);
    is(c.room, "general");
    is(c.text, "hi");
    is(c.cid, "k3");
    assert_int_equal(c.seen, 12);
    assert_int_equal(c.reply_to, 3);
    const enum command_param given[] = {PARAM_room, PARAM_text, PARAM_cid, PARAM_seen,
                                        PARAM_reply_to};
    assert_true(has_only(given, COUNTOF(given)));
    assert_int_equal(c.reply_kind, COMMAND_REPLY_NUMBER);
    is(c.reply, "7");
    assert_true(parse("{'action':'ping'}"));
    assert_true(has_only(NULL, 0));
}

static void the_order_of_members_is_free(void **state)
{
    static const char *const orders[] = {
        "{'action':'join','id':'a','room':'r','after':5,'rooms':{'x':1},'create':false}",
        "{'create':false,'rooms':{'x':1},'room':'r','after':5,'id':'a','action':'join'}",
        "{'rooms':{'a':[[]]},'after':5,'id':'a','create':false,'action':'join','room':'r'}",
    };

    (void)state;
    for (unsigned i = 0; i < COUNTOF(orders); i++) {
        assert_true(parse(orders[i]));
        assert_int_equal(c.id, COMMAND_join);
        is(c.room, "r");
        is(c.reply, "a");
        assert_int_equal(c.after, 5);
        assert_false(c.create);
        assert_true(command_has(&c, PARAM_create));
        assert_false(command_has(&c, PARAM_rooms));
        assert_int_equal(c.rooms.n, 0);
    }
}

static void unknown_members_are_ignored(void **state)
{
    (void)state;
    assert_true(parse("{'x':{'y':[1]},'action':'leave','room':'r','z':null,'text':5,'view':[]}"));
    assert_int_equal(c.id, COMMAND_leave);
    const enum command_param room = PARAM_room;
    assert_true(has_only(&room, 1));
}

static void the_last_of_a_parameter_counts(void **state)
{
    (void)state;
    assert_true(parse("{'action':'ping','action':'leave','room':'a','room':'b','id':1,'id':'2'}"));
    assert_int_equal(c.id, COMMAND_leave);
    is(c.room, "b");
    is(c.reply, "2");
    fails("{'action':'leave','action':5,'room':'a'}", ERROR_missing_parameter, "action");
    fails("{'action':'leave','room':'a','room':[]}", ERROR_bad_type, "room");
    fails("{'action':'resume','rooms':{'a':[1,2]},'rooms':{'b':[1,2]}}", ERROR_bad_value, "rooms");
    fails("{'action':'resume','rooms':5,'rooms':{'b':[1,2]}}", ERROR_bad_value, "rooms");
    fails("{'action':'resume','rooms':{'b':[1,2]},'rooms':'x'}", ERROR_bad_type, "rooms");
}

static void null_is_as_good_as_absent(void **state)
{
    (void)state;
    assert_true(parse("{'action':'send','room':'r','text':'a','cid':null,'id':null}"));
    assert_false(command_has(&c, PARAM_cid));
    assert_int_equal(c.reply_kind, COMMAND_REPLY_NONE);
    assert_true(parse("{'action':'resume','rooms':{'b':[1,2]},'rooms':null}"));
    assert_int_equal(c.rooms.n, 1);
    fails("{'action':'send','room':'r','text':null}", ERROR_missing_parameter, "text");
    fails("{'action':null}", ERROR_missing_parameter, "action");
}

static void replies_have_short_ids(void **state)
{
    char text[256], id[80];

    (void)state;
    memset(id, 'x', sizeof(id));
    id[64] = '\0';
    (void)snprintf(text, sizeof(text), "{'action':'ping','id':'%s'}", id);
    assert_true(parse(text));
    assert_int_equal(c.reply.n, 64);
    id[64] = 'x';
    id[65] = '\0';
    (void)snprintf(text, sizeof(text), "{'action':'ping','id':'%s'}", id);
    assert_true(parse(text));
    assert_int_equal(c.reply_kind, COMMAND_REPLY_NONE);
    assert_true(parse("{'action':'ping','id':-7}"));
    is(c.reply, "-7");
    assert_true(parse("{'action':'ping','id':1.5}"));
    assert_int_equal(c.reply_kind, COMMAND_REPLY_NONE);
    assert_true(parse("{'action':'ping','id':[1]}"));
    assert_int_equal(c.reply_kind, COMMAND_REPLY_NONE);
    fails("{'id':5,'action':'nonsense'}", ERROR_unknown_command, NULL);
    is(c.reply, "5");
    fails("{'id':6,'action':'send','room':'r'}", ERROR_missing_parameter, "text");
    assert_int_equal(c.id, COMMAND_send);
    is(c.reply, "6");
}

static void the_tutorials_frame_is_a_send(void **state)
{
    (void)state;
    assert_true(parse("{'action':'sendmessage','message':'hello'}"));
    assert_int_equal(c.id, COMMAND_send);
    is(c.room, "general");
    is(c.text, "hello");
    assert_true(parse("{'action':'sendmessage','message':'hello','room':'Other'}"));
    is(c.room, "other");
    fails("{'action':'sendmessage'}", ERROR_missing_parameter, "text");
    fails("{'action':'send','message':'x'}", ERROR_missing_parameter, "room");
}

static void frames_that_are_none(void **state)
{
    (void)state;
    fails("", ERROR_bad_json, NULL);
    fails("5", ERROR_bad_json, NULL);
    fails("[]", ERROR_bad_json, NULL);
    fails("null", ERROR_bad_json, NULL);
    fails("{", ERROR_bad_json, NULL);
    fails("{'action':'ping'", ERROR_bad_json, NULL);
    fails("{'action':'ping'} x", ERROR_bad_json, NULL);
    fails("{'action':'ping'}{}", ERROR_bad_json, NULL);
    fails("{action:'ping'}", ERROR_bad_json, NULL);
    fails("{'rooms':{'a':[1,2}}", ERROR_bad_json, NULL);
    fails("{'action':'resume','rooms':{'a b c':[1,2],'d':[1,2],}}", ERROR_bad_json, NULL);
    fails("{}", ERROR_missing_parameter, "action");
    fails("{'x':[[[[5]]]]}", ERROR_too_deep, NULL);
    fails("{'rooms':{'a':[[1]]},'x':[[[[5]]]]}", ERROR_too_deep, NULL);
    fails("{'action':'send','text':'\xc3\x28'}", ERROR_bad_utf8, NULL);
    fails("{'action':'send','text':'\\ud800'}", ERROR_bad_utf8, NULL);
    fails("{'action':''}", ERROR_unknown_command, NULL);
    fails("{'action':'SEND'}", ERROR_unknown_command, NULL);
}

static void texts_have_limits(void **state)
{
    (void)state;
    assert_true(parse("{'action':'send','room':'r','text':'1234567890'}"));
    assert_true(parse("{'action':'send','room':'r','text':'\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                      "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4'}"));
    assert_int_equal(c.text.n, 20);
    fails("{'action':'send','room':'r','text':'12345678901'}", ERROR_too_long, "text");
    fails("{'action':'send','room':'r','text':''}", ERROR_empty, "text");
    fails("{'action':'send','room':'r','text':5}", ERROR_bad_type, "text");
    fails("{'action':'send','room':'r','text':'a','cid':''}", ERROR_empty, "cid");
    fails("{'action':'send','room':'r','text':'a','cid':7}", ERROR_bad_type, "cid");
    fails("{'action':'react','room':'r','target':1,'emoji':''}", ERROR_empty, "emoji");
}

/* A string parameter of n characters x. */
static bool parse_long(const char *before, const char *name, size_t n)
{
    static char text[9000];
    int at = snprintf(text, sizeof(text), "{%s,'%s':'", before, name);

    memset(text + at, 'x', n);
    memcpy(text + at + (int)n, "'}", 3);
    return parse(text);
}

static void strings_have_limits(void **state)
{
    static const struct {
        const char *before, *name;
        size_t max;
        enum error_code code;
    } cases[] = {
        {"'action':'send','room':'r','text':'a'", "cid", 64, ERROR_too_long},
        {"'action':'auth'", "token", 4096, ERROR_too_long},
        {"'action':'login'", "name", 32, ERROR_too_long},
        {"'action':'login','name':'a'", "owner", 128, ERROR_too_long},
        {"'action':'logout'", "session", 128, ERROR_too_long},
        {"'action':'users'", "query", 128, ERROR_too_long},
        {"'action':'room_create'", "title", 128, ERROR_too_long},
        {"'action':'join'", "room", 128, ERROR_bad_room},
    };

    (void)state;
    for (unsigned i = 0; i < COUNTOF(cases); i++) {
        assert_true(parse_long(cases[i].before, cases[i].name, cases[i].max));
        assert_false(parse_long(cases[i].before, cases[i].name, cases[i].max + 1));
        assert_int_equal(problem.code, cases[i].code);
        assert_string_equal(problem.param, cases[i].name);
    }
    fails("{'action':'login','name':''}", ERROR_bad_name, "name");
    assert_true(parse("{'action':'room_create','title':''}"));
    assert_true(parse("{'action':'users','query':''}"));
}

static void numbers_have_limits(void **state)
{
    (void)state;
    assert_true(parse("{'action':'read','room':'r','seq':9007199254740991,'count':0}"));
    assert_int_equal(c.seq, 9007199254740991);
    fails("{'action':'read','room':'r','seq':9007199254740992}", ERROR_bad_type, "seq");
    fails("{'action':'read','room':'r','seq':-1}", ERROR_bad_value, "seq");
    fails("{'action':'read','room':'r','seq':1.0}", ERROR_bad_type, "seq");
    fails("{'action':'read','room':'r','seq':1e3}", ERROR_bad_type, "seq");
    fails("{'action':'read','room':'r','seq':'1'}", ERROR_bad_type, "seq");
    fails("{'action':'read','room':'r','seq':true}", ERROR_bad_type, "seq");
    assert_true(parse("{'action':'history','room':'r','limit':500}"));
    assert_int_equal(c.limit, 500);
    fails("{'action':'history','room':'r','limit':501}", ERROR_bad_value, "limit");
    fails("{'action':'join','room':'r','last':-5}", ERROR_bad_value, "last");
    fails("{'action':'dm','user':'7'}", ERROR_bad_type, "user");
    assert_true(parse("{'action':'typing','room':'r','on':false}"));
    assert_true(command_has(&c, PARAM_on) && !c.on);
    fails("{'action':'typing','room':'r','on':1}", ERROR_bad_type, "on");
    fails("{'action':'typing','room':'r','on':'true'}", ERROR_bad_type, "on");
}

static void words_are_checked(void **state)
{
    static const char *const roles[] = {"owner", "moderator", "member", "muted", "banned", "none"};
    char text[128];

    (void)state;
    for (unsigned i = 0; i < COUNTOF(roles); i++) {
        (void)snprintf(text, sizeof(text),
                       "{'action':'member_set','room':'r','user':7,'role':'%s'}", roles[i]);
        assert_true(parse(text));
        is(c.role, roles[i]);
    }
    fails("{'action':'member_set','room':'r','user':7,'role':'king'}", ERROR_bad_value, "role");
    fails("{'action':'member_set','room':'r','user':7,'role':'unknown'}", ERROR_bad_value, "role");
    fails("{'action':'member_set','room':'r','user':7,'role':''}", ERROR_bad_value, "role");
    assert_true(parse("{'action':'history','room':'r','view':'log'}"));
    assert_true(parse("{'action':'history','room':'r','view':'messages'}"));
    fails("{'action':'history','room':'r','view':'all'}", ERROR_bad_value, "view");
    assert_true(parse("{'action':'room_create','kind':'private'}"));
    assert_true(parse("{'action':'room_create','kind':'public'}"));
    fails("{'action':'room_create','kind':'direct'}", ERROR_bad_value, "kind");
    assert_true(parse("{'action':'auth','token':'t','array':true}"));
    assert_true(command_has(&c, PARAM_array) && c.array);
    assert_true(parse("{'action':'auth','token':'t'}"));
    assert_false(command_has(&c, PARAM_array) || c.array);
    fails("{'action':'auth','token':'t','array':1}", ERROR_bad_type, "array");
}

static void what_is_missing_is_named(void **state)
{
    static const struct {
        const char *text, *param;
    } cases[] = {
        {"{'action':'login'}", "name"},
        {"{'action':'auth'}", "token"},
        {"{'action':'join'}", "room"},
        {"{'action':'resume'}", "rooms"},
        {"{'action':'send','text':'a'}", "room"},
        {"{'action':'edit','room':'r','text':'a'}", "target"},
        {"{'action':'edit','room':'r','target':1}", "text"},
        {"{'action':'delete','room':'r'}", "target"},
        {"{'action':'react','room':'r','target':1}", "emoji"},
        {"{'action':'history'}", "room"},
        {"{'action':'read','room':'r'}", "seq"},
        {"{'action':'member_set','room':'r','user':1}", "role"},
    };

    (void)state;
    for (unsigned i = 0; i < COUNTOF(cases); i++)
        fails(cases[i].text, ERROR_missing_parameter, cases[i].param);
}

static bool folds(const char *from, const char *to)
{
    uint8_t copy[80];
    struct str s = {copy, strlen(from)};
    bool ok;

    memcpy(copy, from, s.n);
    ok = command_fold_room(&s);
    if (ok)
        is(s, to);
    return ok;
}

static void rooms_are_folded(void **state)
{
    static const char *const bad[] = {
        "",         "  ",
        "a.b",      "a/b",
        "\xc3\xa4", "a\tb",
        "dm:1",     "dm:1:",
        "dm:2:1",   "dm:5:5",
        "dm:0:1",   "dm:01:2",
        "dm:1:02",  "dm:a:b",
        "dm:g00",   "dm:g0011223344556677889 aabbccddeeff00112233",
        "dm::2",    "dm:1:2:3",
        "dm:-1:2",  "dm: 1:2",
        "@",        "@0",
        "@07",      "@x",
        "@1@2",     "@-1",
        "@ 7",      "@7 x",
        "a@7",      "dm:1:99999999999999999999",
    };

    (void)state;
    assert_true(folds("general", "general"));
    assert_true(folds("General Chat", "general-chat"));
    assert_true(folds("  A_B-9 \t", "a_b-9"));
    assert_true(folds("dm:3:12", "dm:3:12"));
    assert_true(folds("DM:3:12", "dm:3:12"));
    assert_true(folds("dm:g00112233445566778899AABBccddeeff00112233",
                      "dm:g00112233445566778899aabbccddeeff00112233"));
    assert_true(folds("dm:1:18446744073709551615", "dm:1:18446744073709551615"));
    assert_true(folds("@42", "@42"));
    assert_true(folds("dm-3", "dm-3"));
    for (unsigned i = 0; i < COUNTOF(bad); i++)
        if (folds(bad[i], ""))
            fail_msg("accepted: %s", bad[i]);
    fails("{'action':'join','room':'a\\u0000b'}", ERROR_bad_room, "room");
}

/* Every command that takes a text judges it by chat/model/text.h: a table of texts for each. */
static void every_command_judges_its_text(void **state)
{
    static const struct {
        const char *command, *param;
        enum error_code nul, blank, fine;
    } cases[] = {
        {"'action':'send','room':'r'", "text", ERROR_bad_text, ERROR_empty, ERROR_NONE},
        {"'action':'edit','room':'r','target':1", "text", ERROR_bad_text, ERROR_empty, ERROR_NONE},
        {"'action':'sendmessage'", "message", ERROR_bad_text, ERROR_empty, ERROR_NONE},
        {"'action':'react','room':'r','target':1", "emoji", ERROR_bad_emoji, ERROR_bad_emoji,
         ERROR_bad_emoji},
        {"'action':'room_create'", "title", ERROR_bad_text, ERROR_empty, ERROR_NONE},
        {"'action':'room_set','room':'r'", "title", ERROR_bad_text, ERROR_empty, ERROR_NONE},
    };
    static const char *const nul[] = {"a\\u0000b", "a\\u001bb", "a\\u007f"};
    static const char *const blank[] = {" ", "  ", "\xe3\x85\xa4", "\xe2\x80\x8b", "\xcc\x81"};
    static const char *const fine[] = {"a", "\xd0\xb7", "a \xf0\x9f\x91\x8d"};
    char text[200];

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        const char *param =
            str_eq(str_of(cases[i].param), STR("message")) ? "text" : cases[i].param;

#define ALL(of, code)                                                                          \
    for (size_t k = 0; k < COUNTOF(of); k++) {                                                 \
        (void)snprintf(text, sizeof(text), "{%s,'%s':'%s'}", cases[i].command, cases[i].param, \
                       of[k]);                                                                 \
        if ((code) == ERROR_NONE)                                                              \
            assert_true(parse(text));                                                          \
        else                                                                                   \
            fails(text, code, param);                                                          \
    }
        ALL(nul, cases[i].nul)
        ALL(blank, cases[i].blank)
        ALL(fine, cases[i].fine)
#undef ALL
    }
}

static void a_reaction_is_one_emoji(void **state)
{
    (void)state;
    assert_true(parse("{'action':'react','room':'r','target':1,'emoji':'\xe2\x9d\xa4'}"));
    is(c.emoji, "\xe2\x9d\xa4\xef\xb8\x8f");
    fails("{'action':'react','room':'r','target':1,'emoji':'<img>'}", ERROR_bad_emoji, "emoji");
    /* What was taken for one earlier can be taken back. */
    assert_true(parse("{'action':'react','room':'r','target':1,'emoji':'<img>','on':false}"));
    is(c.emoji, "<img>");
    assert_true(parse("{'on':false,'action':'react','room':'r','target':1,'emoji':'<img>'}"));
    fails("{'action':'react','room':'r','target':1,'emoji':'','on':false}", ERROR_empty, "emoji");
}

/* Who enters a name that fits no id is in the room of everybody who enters it. */
static void a_room_may_be_given_by_name(void **state)
{
    static const char *const commands[] = {
        "join", "send", "history", "leave", "typing", "room_create", "members",
    };
    char text[200];

    (void)state;
    for (size_t i = 0; i < COUNTOF(commands); i++) {
        (void)snprintf(
            text, sizeof(text),
            "{'action':'%s','text':'a','room':' \xd0\x97\xd0\xbd\xd0\xb0\xd0\xba\xd0\xbe\xd0\xbc'}",
            commands[i]);
        assert_true(parse(text));
        is(c.room, "zmyv5rd3vw4lngyx");
        if (c.id == COMMAND_join || c.id == COMMAND_room_create)
            is(c.title, "\xd0\x97\xd0\xbd\xd0\xb0\xd0\xba\xd0\xbe\xd0\xbc");
        else
            assert_int_equal(c.title.n, 0);
    }
    assert_true(parse("{'action':'room_create','title':'T','room':'\xd0\xb7'}"));
    is(c.title, "T");
    fails("{'action':'resume','rooms':{'\xd0\xb7':[1,2]}}", ERROR_bad_room, "rooms");
    /* What the name was is the title, as it was written. */
    assert_true(parse("{'action':'join','room':' Caf\xc3\xa9 5'}"));
    is(c.room, "caf-5-hc34qk6zc5od6ldz");
    is(c.title, "Caf\xc3\xa9 5");
    assert_true(parse("{'action':'join','room':'Ana\\u0027s Room'}"));
    is(c.room, "ana-s-room-ovvmwosasoe2iieo");
    is(c.title, "Ana's Room");
    assert_true(parse("{'action':'join','room':'Ana Room'}"));
    is(c.room, "ana-room");
    fails("{'action':'join','room':'+!'}", ERROR_bad_room, "room");
    fails("{'action':'join','room':'dm:2:1'}", ERROR_bad_room, "room");
    fails("{'action':'join','room':'@x'}", ERROR_bad_room, "room");
}

static void cursors_are_read(void **state)
{
    (void)state;
    assert_true(parse("{'action':'resume','rooms':{'A b':[5,7],'dm:1:2':[0,0],'c':[1,2]}}"));
    assert_int_equal(c.rooms.n, 3);
    is(c.rooms.at[0].room, "a-b");
    assert_int_equal(c.rooms.at[0].epoch, 5);
    assert_int_equal(c.rooms.at[0].seq, 7);
    is(c.rooms.at[1].room, "dm:1:2");
    is(c.rooms.at[2].room, "c");
    assert_true(parse("{'action':'resume','rooms':{}}"));
    assert_int_equal(c.rooms.n, 0);
}

static void bad_cursors_are_refused(void **state)
{
    (void)state;
    fails("{'rooms':{'a':[1]},'action':'resume','id':3}", ERROR_bad_type, "rooms");
    is(c.reply, "3");
    fails("{'rooms':{'a':[1,2,3]},'action':'resume'}", ERROR_bad_type, "rooms");
    fails("{'rooms':{'a':[1,-2]},'action':'resume'}", ERROR_bad_type, "rooms");
    fails("{'rooms':{'a':[1,[]]},'action':'resume'}", ERROR_bad_type, "rooms");
    fails("{'rooms':{'a':{}},'action':'resume'}", ERROR_bad_type, "rooms");
    fails("{'rooms':{'a':5,'b':'x'},'action':'resume'}", ERROR_bad_type, "rooms");
    fails("{'rooms':{'a.b':[1,2]},'action':'resume','id':4}", ERROR_bad_room, "rooms");
    is(c.reply, "4");
    fails("{'rooms':{'a':[1,2],'b':[1,2],'c':[1,2],'d':[1,2]},'action':'resume'}",
          ERROR_too_many_rooms, "rooms");
    assert_int_equal(c.rooms.n, 3);
    fails("{'rooms':[],'action':'resume'}", ERROR_bad_type, "rooms");
}

/* The bytes from at on are as they were written: nobody has read that far. */
static bool is_untouched(const char *text, size_t at)
{
    for (size_t i = at; text[i] != '\0'; i++)
        if (bytes[i] != (text[i] == '\'' ? '"' : (uint8_t)text[i]))
            return false;
    return true;
}

/* begin, then as many of what as fit 64 KB, then what else a command needs. What is read
 * changes, for it has escapes. */
static void stops_early(const char *begin, const char *what, const char *end, size_t values)
{
    static char text[60000];
    size_t n = (size_t)snprintf(text, sizeof(text), "%s", begin);

    while (n < sizeof(text) - 200)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", what);
    (void)snprintf(text + n, sizeof(text) - n, "%s", end);
    fails(text, ERROR_too_many_values, NULL);
    assert_true(is_untouched(text, strlen(begin) + (values + 1) * strlen(what)));
    assert_false(is_untouched(text, 0));
}

static void what_parsing_costs_is_bounded(void **state)
{
    (void)state;
    stops_early("{'action':'ping',", "'a\\n':1,", "'id':1}", 64);
    stops_early("{'action':'ping',", "'text':'a\\n',", "'id':1}", 64);
    stops_early("{'action':'ping','x':[", "'\\n',", "1],'id':1}", 256 + 4 * 3);
    stops_early("{'action':'ping','x':{", "'a':'\\n',", "'b':1},'id':1}", 256 + 4 * 3);
    stops_early("{'action':'resume','rooms':{", "'\\n':[1,2],", "'b':[1,2]},'id':1}", 256 + 4 * 3);
    assert_true(parse("{'action':'ping','x':[1,2,3,4,5,6,7,8,9,0,[1,2,3]],'y':{'z':1}}"));
}

static void params_alone_are_read(void **state)
{
    (void)state;
    assert_true(parse_params(COMMAND_rooms, ""));
    assert_true(parse_params(COMMAND_send, "{'room':'r','text':'a','action':'ping'}"));
    assert_int_equal(c.id, COMMAND_send);
    assert_false(parse_params(COMMAND_send, ""));
    assert_int_equal(problem.code, ERROR_missing_parameter);
    assert_string_equal(problem.param, "room");
    assert_false(parse_params(COMMAND_send, "{"));
    assert_int_equal(problem.code, ERROR_bad_json);
    assert_false(parse_params(COMMAND_send, "[]"));
    assert_int_equal(problem.code, ERROR_bad_json);
}

static bool set(const char *name, const char *value)
{
    static uint8_t copy[128];
    size_t n = strlen(value);

    memcpy(copy, value, n);
    return command_set(&c, str_of(name), (struct str){copy, n}, &limits, &problem);
}

static void set_takes_text(void **state)
{
    (void)state;
    command_fini(&c);
    c = (struct command){.id = COMMAND_history};
    assert_false(command_complete(&c, &problem));
    assert_int_equal(problem.code, ERROR_missing_parameter);
    assert_string_equal(problem.param, "room");
    assert_true(set("room", "My Room"));
    is(c.room, "my-room");
    assert_true(command_complete(&c, &problem));
    assert_true(set("before", "12"));
    assert_int_equal(c.before, 12);
    assert_true(set("text", "is another command's"));
    assert_true(set("nonsense", "x"));
    assert_false(command_has(&c, PARAM_text));
    assert_false(set("before", "12x"));
    assert_int_equal(problem.code, ERROR_bad_type);
    assert_false(set("before", "-1"));
    assert_false(set("before", ""));
    assert_false(set("before", "9007199254740992"));
    assert_int_equal(problem.code, ERROR_bad_type);
    assert_string_equal(problem.param, "before");
    assert_false(set("limit", "501"));
    assert_int_equal(problem.code, ERROR_bad_value);
    assert_true(set("limit", "500"));
    assert_false(set("view", "x"));
    assert_true(set("view", "log"));

    c = (struct command){.id = COMMAND_join};
    assert_true(set("create", "false"));
    assert_true(command_has(&c, PARAM_create) && !c.create);
    assert_true(set("create", "true"));
    assert_true(c.create);
    assert_false(set("create", "yes"));
    assert_int_equal(problem.code, ERROR_bad_type);
    c = (struct command){.id = COMMAND_resume};
    assert_false(set("rooms", "x"));
    assert_int_equal(problem.code, ERROR_bad_type);
    c = (struct command){.id = COMMAND_send};
    assert_false(set("cid", "\xff"));
    assert_int_equal(problem.code, ERROR_bad_utf8);
}

static void names_and_errors_agree_with_the_tables(void **state)
{
    (void)state;
#define COMMAND(name, who, cost, what) assert_int_equal(command_find(STR(#name)), COMMAND_##name);
#define PARAM(command, name, type, need, what)
#define ANSWER(command, what)
#include "chat/model/commands.tbl"
#undef COMMAND
#undef PARAM
#undef ANSWER
    assert_int_equal(command_find(STR("")), COMMAND_NONE);
    assert_int_equal(command_find(STR("sendmessage")), COMMAND_send);
    assert_true(command_is_public(COMMAND_login) && command_is_public(COMMAND_ping));
    assert_false(command_is_public(COMMAND_send) || command_is_public(COMMAND_history));
    assert_int_equal(command_cost(COMMAND_send), 10);
    for (unsigned i = 1; i < ERROR_N; i++) {
        enum error_code e = (enum error_code)i;

        assert_true(strlen(command_error_name(e)) > 0 && strlen(command_error_text(e)) > 0);
        assert_in_range(command_error_status(e), 400, 599);
    }
    command_fini(&c);
}

CHECK_MAIN(cmocka_unit_test(a_command_is_read), cmocka_unit_test(the_order_of_members_is_free),
           cmocka_unit_test(unknown_members_are_ignored),
           cmocka_unit_test(the_last_of_a_parameter_counts),
           cmocka_unit_test(null_is_as_good_as_absent), cmocka_unit_test(replies_have_short_ids),
           cmocka_unit_test(the_tutorials_frame_is_a_send), cmocka_unit_test(frames_that_are_none),
           cmocka_unit_test(texts_have_limits), cmocka_unit_test(strings_have_limits),
           cmocka_unit_test(numbers_have_limits), cmocka_unit_test(words_are_checked),
           cmocka_unit_test(what_is_missing_is_named), cmocka_unit_test(rooms_are_folded),
           cmocka_unit_test(every_command_judges_its_text),
           cmocka_unit_test(a_reaction_is_one_emoji), cmocka_unit_test(a_room_may_be_given_by_name),
           cmocka_unit_test(cursors_are_read), cmocka_unit_test(bad_cursors_are_refused),
           cmocka_unit_test(what_parsing_costs_is_bounded), cmocka_unit_test(params_alone_are_read),
           cmocka_unit_test(set_takes_text),
           cmocka_unit_test(names_and_errors_agree_with_the_tables))
