#include "bench/scan.h"

#include "base/json.h"
#include "base/str.h"
#include "bench/stamp.h"

enum { DEPTH_MAX = 8 };

/* The decimal digits at *s, which is moved behind them. */
static bool take_u64(struct str *s, uint64_t *ret_v)
{
    uint64_t v = 0;
    size_t i = 0;

    for (; i < s->n && i < 19 && s->p[i] >= '0' && s->p[i] <= '9'; i++)
        v = v * 10 + (uint64_t)(s->p[i] - '0');
    *s = str_skip(*s, i);
    *ret_v = v;
    return i > 0;
}

static bool scan_take(struct str *s, struct str what)
{
    if (!str_starts(*s, what))
        return false;
    *s = str_skip(*s, what.n);
    return true;
}

static void find_stamp(struct scan *s, struct str rest)
{
    const uint8_t *mark = rest.n == 0 ? NULL : memchr(rest.p, STAMP_MARK, rest.n);

    s->stamped = mark != NULL &&
                 stamp_read(str_skip(rest, (size_t)(mark - rest.p)), &s->sent_us, &s->publisher);
}

/* {"event":"message","room":"x","seq":124,..."text":"~...~ */
static bool message_scan(struct scan *s, struct str f)
{
    const uint8_t *quote;

    if (!scan_take(&f, STR("{\"event\":\"message\",\"room\":\"")))
        return false;
    quote = f.n == 0 ? NULL : memchr(f.p, '"', f.n);
    if (quote == NULL)
        return false;
    s->room = (struct str){f.p, (size_t)(quote - f.p)};
    f = str_skip(f, s->room.n);
    if (!scan_take(&f, STR("\",\"seq\":")) || !take_u64(&f, &s->seq) || !str_starts(f, STR(",")))
        return false;
    s->kind = SCAN_ENTRY;
    find_stamp(s, f);
    return true;
}

/* {"id":7,"ok":{"seq":124,"ts":1,"count":98}} and nothing more to it. */
static bool ack_scan(struct scan *s, struct str f)
{
    uint64_t ts, count;

    if (!scan_take(&f, STR("{\"id\":")) || !take_u64(&f, &s->id) ||
        !scan_take(&f, STR(",\"ok\":{\"seq\":")) || !take_u64(&f, &s->seq))
        return false;
    if (!scan_take(&f, STR(",\"ts\":")) || !take_u64(&f, &ts) ||
        !scan_take(&f, STR(",\"count\":")) || !take_u64(&f, &count) || !str_eq(f, STR("}}")))
        return false;
    s->kind = SCAN_OK;
    s->duplicate = false;
    return true;
}

static uint64_t u64_of(const struct json *j, enum json_token t)
{
    return t == JSON_INT && j->i64 >= 0 ? (uint64_t)j->i64 : 0;
}

/* One entry of a page of history: its seq. */
static uint64_t entry_read(struct json *j)
{
    enum json_token t;
    uint64_t seq = 0;

    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (t == JSON_INT && str_eq(j->key, STR("seq")))
            seq = u64_of(j, t);
        else if (!json_skip(j, t))
            break;
    }
    return seq;
}

static void scan_entries_read(struct scan *s, struct json *j)
{
    enum json_token t;

    while ((t = json_next(j)) == JSON_OBJECT) {
        uint64_t seq = entry_read(j);

        if (s->page_n++ == 0)
            s->page_first = seq;
        else if (seq > s->page_last + 1)
            s->page_missed += seq - s->page_last - 1;
        s->page_last = seq;
    }
}

/* The head of a log: its seq. */
static uint64_t head_read(struct json *j, enum json_token t)
{
    return t == JSON_OBJECT ? entry_read(j) : u64_of(j, t);
}

static void room_read(struct scan_room *r, struct json *j)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (t == JSON_STRING && str_eq(j->key, STR("id")))
            r->id = j->str;
        else if (t == JSON_INT && str_eq(j->key, STR("epoch")))
            r->epoch = u64_of(j, t);
        else if (t == JSON_OBJECT && str_eq(j->key, STR("head")))
            r->head = head_read(j, t);
        else if (t == JSON_TRUE && str_eq(j->key, STR("reset")))
            r->reset = true;
        else {
            r->refused = r->refused || str_eq(j->key, STR("error"));
            if (!json_skip(j, t))
                return;
        }
    }
}

static void rooms_read(struct scan *s, struct json *j)
{
    enum json_token t;

    while ((t = json_next(j)) == JSON_OBJECT) {
        struct scan_room r = {.id = j->key};

        room_read(&r, j);
        if (s->rooms_n < SCAN_ROOMS_MAX)
            s->rooms[s->rooms_n++] = r;
    }
}

static void ok_read(struct scan *s, struct json *j)
{
    enum json_token t;

    s->kind = SCAN_OK;
    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (t == JSON_INT && str_eq(j->key, STR("seq")))
            s->seq = u64_of(j, t);
        else if (str_eq(j->key, STR("duplicate")))
            s->duplicate = t == JSON_TRUE;
        else if (str_eq(j->key, STR("more")))
            s->more = t == JSON_TRUE;
        else if (t == JSON_ARRAY && str_eq(j->key, STR("entries")))
            scan_entries_read(s, j);
        else if (t == JSON_OBJECT && str_eq(j->key, STR("rooms")))
            rooms_read(s, j);
        else if (t == JSON_OBJECT && str_eq(j->key, STR("room"))) {
            s->rooms[0] = (struct scan_room){0};
            room_read(&s->rooms[0], j);
            s->rooms_n = 1;
        } else if (!json_skip(j, t))
            return;
    }
}

static void error_read(struct scan *s, struct json *j)
{
    enum json_token t;

    s->kind = SCAN_FAILED;
    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (t == JSON_STRING && str_eq(j->key, STR("code")))
            s->code = j->str;
        else if (t == JSON_INT && str_eq(j->key, STR("retry_after_ms")))
            s->retry_after_ms = u64_of(j, t);
        else if (!json_skip(j, t))
            return;
    }
}

/* What an event is, now that all of it was read. */
static enum scan_kind event_kind(struct str event, bool has_seq)
{
    if (str_eq(event, STR("behind")))
        return SCAN_BEHIND;
    if (str_eq(event, STR("reset")))
        return SCAN_RESET;
    if (str_eq(event, STR("move")))
        return SCAN_MOVE;
    return has_seq && !str_eq(event, STR("read")) ? SCAN_ENTRY : SCAN_CAST;
}

static bool field_read(struct scan *s, struct json *j, enum json_token t)
{
    if (t == JSON_STRING && str_eq(j->key, STR("room")))
        s->room = j->str;
    else if (t == JSON_STRING && str_eq(j->key, STR("text")))
        find_stamp(s, j->str);
    else if (t == JSON_INT && str_eq(j->key, STR("from")))
        s->from = u64_of(j, t);
    else if (t == JSON_INT && str_eq(j->key, STR("to")))
        s->to = u64_of(j, t);
    else if (t == JSON_INT && str_eq(j->key, STR("epoch")))
        s->epoch = u64_of(j, t);
    else if (t == JSON_INT && str_eq(j->key, STR("delay_ms")))
        s->delay_ms = u64_of(j, t);
    else if (t == JSON_INT && str_eq(j->key, STR("within_ms")))
        s->within_ms = u64_of(j, t);
    else if (t == JSON_INT && str_eq(j->key, STR("id")))
        s->id = u64_of(j, t);
    else if (t == JSON_OBJECT && str_eq(j->key, STR("head")))
        s->head = head_read(j, t);
    else
        return json_skip(j, t);
    return true;
}

static void full_read(struct scan *s, struct json *j)
{
    struct str event = {0};
    bool has_seq = false;
    enum json_token t;

    if (json_next(j) != JSON_OBJECT)
        return;
    while ((t = json_next(j)) != JSON_OBJECT_END && t != JSON_ERROR) {
        if (t == JSON_STRING && str_eq(j->key, STR("event")))
            event = j->str;
        else if (t == JSON_INT && str_eq(j->key, STR("seq"))) {
            s->seq = u64_of(j, t);
            has_seq = true;
        } else if (t == JSON_OBJECT && str_eq(j->key, STR("ok")))
            ok_read(s, j);
        else if (t == JSON_OBJECT && str_eq(j->key, STR("error")))
            error_read(s, j);
        else if (!field_read(s, j, t))
            break;
    }
    if (event.n > 0)
        s->kind = event_kind(event, has_seq);
    if (json_next(j) != JSON_END)
        s->kind = SCAN_BAD;
}

void scan_frame(struct scan *s, uint8_t *p, size_t n)
{
    struct json j;

    if (message_scan(s, (struct str){p, n}) || ack_scan(s, (struct str){p, n}))
        return;
    memset(s, 0, offsetof(struct scan, rooms));
    json_init(&j, p, n, DEPTH_MAX);
    full_read(s, &j);
}

bool scan_room_number(struct str room, uint32_t *ret_number)
{
    size_t at = room.n;
    uint64_t v;

    while (at > 0 && room.n - at < 9 && room.p[at - 1] >= '0' && room.p[at - 1] <= '9')
        at--;
    if (at == room.n || !str_to_u64(str_skip(room, at), &v))
        return false;
    *ret_number = (uint32_t)v;
    return true;
}
