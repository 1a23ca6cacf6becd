#include "serverless/stream_event.h"

#include "base/json.h"
#include "base/str.h"
#include "chat/model/keys.h"

#define DEPTH_MAX 32
#define NUMBER_MAX 64

/* A record, as it is read. */
struct stream_record {
    struct str room, number;
};

/* Gives each member of an object that was just begun to take. False: broken, which take finds by
 * json_skip. */
static bool members(struct json *j, bool (*take)(struct json *, enum json_token, void *), void *to)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_OBJECT_END)
        if (!take(j, t, to))
            return false;
    return true;
}

/* {"S": ...}: a key's value, by its type. */
static bool room_member(struct json *j, enum json_token t, void *to)
{
    struct stream_record *r = to;

    if (t != JSON_STRING || !str_eq(j->key, STR("S")))
        return json_skip(j, t);
    r->room = j->str;
    return true;
}

static bool key_member(struct json *j, enum json_token t, void *to)
{
    if (t == JSON_OBJECT && str_eq(j->key, STR("room")))
        return members(j, room_member, to);
    return json_skip(j, t);
}

static bool change_member(struct json *j, enum json_token t, void *to)
{
    struct stream_record *r = to;

    if (t == JSON_OBJECT && str_eq(j->key, STR("Keys")))
        return members(j, key_member, to);
    if (t != JSON_STRING || !str_eq(j->key, STR("SequenceNumber")))
        return json_skip(j, t);
    r->number = j->str;
    return true;
}

static bool record_member(struct json *j, enum json_token t, void *to)
{
    if (t == JSON_OBJECT && str_eq(j->key, STR("dynamodb")))
        return members(j, change_member, to);
    return json_skip(j, t);
}

/* Each room once. */
static void take_record(struct stream_event *e, const struct stream_record *r)
{
    e->records++;
    if (r->room.n == 0 || r->room.n > KEYS_ROOM_MAX || r->number.n > NUMBER_MAX) {
        e->passed_over++;
        return;
    }
    for (unsigned i = 0; i < e->rooms_n; i++)
        if (str_eq(e->rooms[i].room, r->room))
            return;
    if (e->rooms_n < STREAM_EVENT_ROOMS_MAX)
        e->rooms[e->rooms_n++] = (struct stream_event_room){r->room, r->number};
    else if (e->rest.n == 0)
        e->rest = r->number;
}

static bool read_records(struct json *j, struct stream_event *e)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_ARRAY_END) {
        struct stream_record r = {0};

        if (t == JSON_OBJECT ? !members(j, record_member, &r) : !json_skip(j, t))
            return false;
        take_record(e, &r);
    }
    return true;
}

static bool event_member(struct json *j, enum json_token t, void *to)
{
    if (t == JSON_ARRAY && str_eq(j->key, STR("Records")))
        return read_records(j, to);
    return json_skip(j, t);
}

bool stream_event_is(struct str event)
{
    event = str_trim(event);
    if (event.n == 0 || event.p[0] != '{')
        return false;
    return str_starts(str_trim(str_skip(event, 1)), STR("\"Records\""));
}

bool stream_event_read(uint8_t *p, size_t n, struct stream_event *ret_event)
{
    struct json j;

    if (n > STREAM_EVENT_MAX)
        return false;
    *ret_event = (struct stream_event){0};
    json_init(&j, p, n, DEPTH_MAX);
    json_limit(&j, STREAM_EVENT_VALUES_MAX);
    return json_next(&j) == JSON_OBJECT && members(&j, event_member, ret_event) &&
           json_next(&j) == JSON_END;
}

void stream_event_answer(struct str number, struct buf *out)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    json_out_key(&o, "batchItemFailures");
    json_out_array(&o);
    if (number.n > 0) {
        json_out_object(&o);
        json_out_field_str(&o, "itemIdentifier", number);
        json_out_object_end(&o);
    }
    json_out_array_end(&o);
    json_out_object_end(&o);
}
