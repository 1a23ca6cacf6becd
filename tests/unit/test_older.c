#include "base/entry.h"
#include "base/str.h"
#include "lib/store_rig.h"
#include "migrate/migrate.h"
#include "older/older_form.h"
#include "older/older_row.h"
#include "older/older_shelf.h"
#include "older/older_time.h"

#include <stdio.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define NO_TIME UINT64_MAX

/* --- Moments. --- */

static uint64_t at(const char *text)
{
    uint64_t ns;

    return older_time_read(str_of(text), &ns) ? ns : NO_TIME;
}

static void moments_are_read_in_every_unit(void **state)
{
    static const char *const same[] = {
        "1700000000",
        "1700000000.0",
        "1700000000000",
        "1700000000000000",
        "1700000000000000000",
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:13:20",
        "2023-11-14 22:13:20.000",
        "2023-11-14T22:13:20.000000+00:00",
        "2023-11-14T23:43:20+0130",
        "2023-11-14T22:13:20Z#7f3a",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(same); i++)
        assert_int_equal(at(same[i]), 1700000000000 * MS);
    assert_int_equal(at("1700000000.25"), 1700000000250 * MS);
    assert_int_equal(at("1700000000123456.7"), 1700000000123456700);
    assert_int_equal(at("2023-11-14T22:13:20.000000001Z"), 1700000000000 * MS + 1);
    assert_int_equal(at("2023-11-14T21:13:20-01:00"), 1700000000000 * MS);
    assert_int_equal(at("9223372036854775807"), NO_TIME);
    assert_int_equal(at("0"), 0);
}

static void what_is_no_moment_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "now",
        "-5",
        "1.",
        "1e9",
        "1700000000 ",
        "99999999999999999999",
        "2023-11-14",
        "2023-13-14T22:13:20Z",
        "2023-11-14T22:13:20.Z",
        "2023-11-14T22:13:20+1",
        "2023-11-14T22:13:20ZZ",
        "1969-12-31T23:59:59Z",
        "9999-01-01T00:00:00Z",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(texts); i++)
        assert_int_equal(at(texts[i]), NO_TIME);
}

/* --- Forms. --- */

static struct older_form form(const char *spec, const char *fields)
{
    struct older_form f;
    char why[256] = "";

    if (!older_form_parse(spec, fields, &f, why))
        fail_msg("%s %s: %s", spec, fields, why);
    return f;
}

static bool form_fails(const char *spec, const char *fields)
{
    struct older_form f;
    char why[256] = "";
    bool ok = older_form_parse(spec, fields, &f, why);

    assert_true(ok == (why[0] == '\0'));
    return !ok;
}

static void forms_name_tables_and_fields(void **state)
{
    const char *names[OLDER_FORM_NAMES_MAX];
    struct older_form f = form("ec2", "");

    (void)state;
    assert_true(f.direct);
    assert_string_equal(f.tables[OLDER_USERS], "alex-users");
    assert_string_equal(f.tables[OLDER_MESSAGES], "alex-messages");
    assert_string_equal(f.tables[OLDER_COUNTER], "");
    assert_int_equal(older_form_names(&f, OLDER_MESSAGES, names), 12);
    assert_int_equal(older_form_names(&f, OLDER_USERS, names), 1);
    assert_string_equal(names[0], "username");
    f = form("ec2: u ,m", "from=author|by,text=body");
    assert_string_equal(f.tables[OLDER_USERS], "u");
    assert_string_equal(f.tables[OLDER_MESSAGES], "m");
    assert_string_equal(f.fields[OLDER_FROM][1], "by");
    assert_string_equal(f.fields[OLDER_FROM][2], "");
    assert_int_equal(older_form_names(&f, OLDER_MESSAGES, names), 9);
    f = form("ec2:,m", "from=x|y,to=y");
    assert_string_equal(f.tables[OLDER_USERS], "");
    assert_int_equal(older_form_names(&f, OLDER_MESSAGES, names), 8); /* y once */
    f = form("blue-green", "");
    assert_string_equal(f.tables[OLDER_COUNTER], "user-counter");
    assert_true(older_form_is("serverless:a") && older_form_is("ecs-ec2"));
    assert_false(older_form_is("sqlite:ec2") || older_form_is("ec") || older_form_is("dynamodb"));
}

static void forms_that_are_wrong_are_refused(void **state)
{
    (void)state;
    assert_true(form_fails("ec3", ""));
    assert_true(form_fails("ec2:a,b,c", ""));
    assert_true(form_fails("ec2:a,", ""));
    assert_true(form_fails("ec2", "who=x"));
    assert_true(form_fails("ec2", "from=a||b"));
    assert_true(form_fails("ec2", "from=a|b|c|d"));
    assert_true(form_fails("ec2", "text=1|2|3|4|5|6|7|8|9|10|11|12|13"));
}

/* --- Rows. --- */

struct attr {
    const char *name, *value;
};

/* Attributes are text, ended by a NULL; those of digits are numbers. */
static struct dynamo_item item_of(const struct attr *attrs)
{
    struct dynamo_item item = {.n = 0};

    for (; attrs->name != NULL; attrs++)
        item.attrs[item.n++] = (struct dynamo_attr){
            str_of(attrs->name), str_of(attrs->value),
            strspn(attrs->value, "0123456789.") == strlen(attrs->value) ? DYNAMO_N : DYNAMO_S};
    return item;
}

static enum older_reason put(struct older_shelf *s, const struct older_form *f,
                             const struct attr *attrs)
{
    struct dynamo_item item = item_of(attrs);

    return older_row_put(s, f, OLDER_MESSAGES, &item, "general");
}

#define ROW(...) ((const struct attr[]){__VA_ARGS__, {NULL, NULL}})
#define AT "timestamp", "1700000000"

static void rows_of_conversations_are_judged(void **state)
{
    struct older_form f = form("ec2", "");
    struct older_shelf *s;

    (void)state;
    assert_int_equal(older_shelf_new(&s), 0);
    assert_int_equal(put(s, &f, ROW({"sender", "ana"}, {"message", "x"})), OLDER_NO_TIME);
    assert_int_equal(put(s, &f, ROW({AT}, {"message", "x"})), OLDER_NO_FROM);
    assert_int_equal(put(s, &f, ROW({AT}, {"sender", "ana"}, {"to", "bob"})), OLDER_NO_TEXT);
    assert_int_equal(put(s, &f, ROW({AT}, {"sender", "ana"}, {"message", "x"})), OLDER_NO_TO);
    assert_int_equal(put(s, &f, ROW({AT}, {"sender", "ana"}, {"to", "bob"}, {"message", "\x01"})),
                     OLDER_BAD_TEXT);
    assert_int_equal(put(s, &f, ROW({AT}, {"sender", "ana"}, {"to", "ana"}, {"message", "x"})),
                     OLDER_TO_SELF);
    assert_int_equal(older_shelf_counts(s).people, 0);
    assert_int_equal(
        put(s, &f, ROW({AT}, {"sender", "ana"}, {"message", "x"}, {"conversation_id", "ana#bob"})),
        OLDER_FITS);
    assert_int_equal(
        put(s, &f, ROW({AT}, {"sender", "bob"}, {"message", "x"}, {"conversation_id", "ana#bob"})),
        OLDER_FITS);
    assert_int_equal(put(s, &f,
                         ROW({AT}, {"sender", "ana"}, {"message", "x"}, {"to", "dora"},
                             {"conversation_id", "ana#bob"})),
                     OLDER_OTHER_PAIR);
    assert_int_equal(
        put(s, &f, ROW({AT}, {"sender", "a_b"}, {"message", "x"}, {"conversation_id", "a_b__c"})),
        OLDER_FITS);
    assert_int_equal(
        put(s, &f, ROW({AT}, {"sender", "eve"}, {"message", "x"}, {"conversation_id", "ana#bob"})),
        OLDER_NO_TO);
    assert_int_equal(older_shelf_counts(s).people, 4); /* ana bob a_b c */
    assert_int_equal(older_shelf_counts(s).messages, 3);
    assert_null(older_shelf_failed(s));
    older_shelf_free(s);
}

static void rows_of_rooms_are_judged(void **state)
{
    struct older_form f = form("serverless", "room=r");
    struct older_shelf *s;

    (void)state;
    assert_int_equal(older_shelf_new(&s), 0);
    assert_int_equal(put(s, &f, ROW({AT}, {"connectionId", "a="}, {"message", "x"})), OLDER_FITS);
    assert_int_equal(put(s, &f, ROW({AT}, {"connectionId", "a="}, {"message", "y"})), OLDER_FITS);
    assert_int_equal(put(s, &f, ROW({AT}, {"user", "ana"}, {"message", "x"}, {"r", "Tea Room"})),
                     OLDER_FITS);
    assert_int_equal(put(s, &f, ROW({AT}, {"user", "ana"}, {"message", "x"}, {"r", "@1"})),
                     OLDER_BAD_ROOM);
    assert_int_equal(put(s, &f, ROW({AT}, {"user", "ana"}, {"message", "x"}, {"r", "dm:1:2"})),
                     OLDER_BAD_ROOM);
    assert_int_equal(put(s, &f, ROW({AT}, {"user", "ana"}, {"message", "x"}, {"r", "##"})),
                     OLDER_BAD_ROOM);
    assert_int_equal(older_shelf_counts(s).people, 2);
    older_shelf_free(s);
}

/* --- The shelf. --- */

static unsigned unfit_n;

static void count_unfit(void *ctx, struct str name, const char *code)
{
    (void)ctx;
    assert_true(name.n > 0 && code[0] != '\0');
    unfit_n++;
}

static void put_row(struct older_shelf *s, uint64_t ms, const char *id, const char *from,
                    const char *to, const char *room)
{
    older_shelf_put_message(s, &(struct older_message){.room = str_of(room),
                                                       .at_ns = ms * MS,
                                                       .id = str_of(id),
                                                       .from = str_of(from),
                                                       .to = str_of(to),
                                                       .text = str_of(id)});
}

static struct older_shelf *shelf_of(bool backwards)
{
    static const struct {
        uint64_t ms;
        const char *id, *from, *to, *room;
    } rows[] = {
        {5, "e", "bob", "ana", ""}, {1, "a", "ana", "bob", ""},    {3, "c", "ana", "", "tea"},
        {3, "b", "Zoe", "", "tea"}, {9, "z", "cy", "", "general"}, {2, "d", "bob", "ana", ""},
    };
    struct older_shelf *s;

    assert_int_equal(older_shelf_new(&s), 0);
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        size_t at_row = backwards ? COUNTOF(rows) - 1 - i : i;

        put_row(s, rows[at_row].ms, rows[at_row].id, rows[at_row].from, rows[at_row].to,
                rows[at_row].room);
    }
    older_shelf_put_counter(s, 17);
    assert_int_equal(older_shelf_arrange_people(s, false, count_unfit, NULL), 0);
    while (older_shelf_arrange_messages(s))
        ;
    assert_null(older_shelf_failed(s));
    return s;
}

/* "1 room 2 ana:a 3 bob:d" */
static const char *log_of(struct store_rig *r, struct str room)
{
    static char line[512];
    struct store_read q = {
        .req = store_rig_req(r), .room = room, .from = 1, .count_max = 99, .bytes_max = 9999};
    struct store_item item;
    struct entry e;
    size_t n = 0, i = 0;

    store_read(r->store, &q);
    assert_int_equal(store_rig_wait(r, &q.req), STORE_OK);
    line[0] = '\0';
    while (store_block_next(q.ret_block, &i, &item)) {
        assert_int_equal(entry_decode(item.body, &e), ENTRY_OK);
        n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%llu %.*s:%.*s%.*s", n > 0 ? " " : "",
                              (unsigned long long)item.key, STR_ARGS(e.from_name),
                              STR_ARGS(e.room_kind), STR_ARGS(e.text));
    }
    frame_unref(q.ret_block);
    return line;
}

static enum migrate_code migrate_to(struct store_rig *r, struct older_shelf *s)
{
    struct migrate_options o = {.io = r->io, .to = r->store, .lanes = 2, .verify = true};
    struct migrate *m;
    enum migrate_code code;
    const char *why;

    o.from = older_shelf_read(s);
    m = migrate_new(&o);
    while (!migrate_ended(m))
        store_rig_turn(r);
    code = migrate_result(m, &why);
    migrate_free(m);
    store_close(o.from);
    return code;
}

static void the_same_rows_give_the_same_logs(void **state)
{
    struct store_rig *r = *state;
    struct older_shelf *s = shelf_of(false), *again = shelf_of(true);
    struct store_next next = {.counter = STR("users"), .n = 1};

    assert_int_equal(migrate_to(r, s), MIGRATE_OK);
    assert_string_equal(log_of(r, STR("dm:2:3")), "1 ana:direct 2 ana:a 3 bob:d 4 bob:e");
    assert_string_equal(log_of(r, STR("tea")), "1 Zoe:public 2 Zoe:b 3 ana:c");
    assert_string_equal(log_of(r, STR("general")), "1 :public 2 cy:z");
    assert_int_equal(migrate_to(r, again), MIGRATE_OK);
    assert_string_equal(log_of(r, STR("tea")), "1 Zoe:public 2 Zoe:b 3 ana:c");
    next.req = store_rig_req(r);
    store_next(r->store, &next);
    assert_int_equal(store_rig_wait(r, &next.req), STORE_OK);
    assert_int_equal(next.ret_first, 18);
    older_shelf_free(s);
    older_shelf_free(again);
}

static bool has_name(struct store_rig *r, const char *key, const char *body)
{
    struct store_get q = {.req = store_rig_req(r), .pk = STR("names"), .sk = str_of(key)};
    bool same;

    store_get(r->store, &q);
    assert_int_equal(store_rig_wait(r, &q.req), STORE_OK);
    same = q.ret_body != NULL && str_eq(frame_str(q.ret_body), str_of(body));
    frame_unref(q.ret_body);
    return same;
}

static struct older_shelf *odd_people(bool make)
{
    static const char *const names[] = {"alex@b.org", "Alex", "alex@a.org", "ana", "ANA", "//"};
    struct older_shelf *s;

    assert_int_equal(older_shelf_new(&s), 0);
    for (size_t i = 0; i < COUNTOF(names); i++)
        older_shelf_put_person(s, str_of(names[i]));
    unfit_n = 0;
    assert_int_equal(older_shelf_arrange_people(s, make, count_unfit, NULL), make ? 0 : 4);
    assert_int_equal(unfit_n, make ? 0 : 4);
    assert_null(older_shelf_failed(s));
    return s;
}

static void names_that_do_not_fit_are_told_or_made(void **state)
{
    struct store_rig *r = *state;
    struct older_shelf *s = odd_people(false);

    older_shelf_free(s);
    s = odd_people(true);
    while (older_shelf_arrange_messages(s))
        ;
    assert_int_equal(migrate_to(r, s), MIGRATE_OK);
    assert_true(has_name(r, "ana", "1 ANA"));
    assert_true(has_name(r, "alex", "2 Alex"));
    assert_true(has_name(r, "user", "3 user"));
    assert_true(has_name(r, "alex-4", "4 alex-4"));
    assert_true(has_name(r, "alex-5", "5 alex-5"));
    assert_true(has_name(r, "ana-6", "6 ana-6"));
    older_shelf_free(s);
}

#define ON(test) cmocka_unit_test_setup_teardown(test, store_rig_mem_sim, store_rig_teardown)

CHECK_MAIN(cmocka_unit_test(moments_are_read_in_every_unit),
           cmocka_unit_test(what_is_no_moment_is_refused),
           cmocka_unit_test(forms_name_tables_and_fields),
           cmocka_unit_test(forms_that_are_wrong_are_refused),
           cmocka_unit_test(rows_of_conversations_are_judged),
           cmocka_unit_test(rows_of_rooms_are_judged), ON(the_same_rows_give_the_same_logs),
           ON(names_that_do_not_fit_are_told_or_made))
