#include "chat/model/hook.h"

#include "base/json.h"
#include "base/str.h"
#include "base/utc.h"
#include "base/utf8.h"
#include "chat/model/text.h"

#include <stdio.h>

#define DEPTH_MAX 8
#define VALUES_MAX 1000

static void put_time(struct json_out *o, uint64_t ts_ms)
{
    struct utc u = utc_of((int64_t)(MIN(ts_ms / 1000, (uint64_t)UTC_YEAR_9999_END_S)));
    char text[21], *at = text;
    const int64_t parts[] = {u.year, u.month, u.day, u.hour, u.minute, u.second};

    for (unsigned i = 0; i < COUNTOF(parts); i++) {
        at = utc_digits(at, parts[i], i == 0 ? 4 : 2);
        *at++ = "--T::Z"[i];
    }
    assert(at == text + 20);
    json_out_field_str(o, "timestamp", (struct str){(const uint8_t *)text, 20});
}

void hook_write(const struct hook_message *m, struct buf *b)
{
    struct json_out o;

    assert(m->room.n > 0 && m->user > 0);
    json_out_init(&o, b);
    json_out_object(&o);
    json_out_field_str(&o, "type", m->edit ? STR("message.edit") : STR("message.send"));
    put_time(&o, m->ts_ms);
    json_out_key(&o, "data");
    json_out_object(&o);
    json_out_field_str(&o, "kind", m->edit ? STR("edit") : STR("send"));
    json_out_field_str(&o, "room", m->room);
    json_out_key(&o, "user");
    json_out_object(&o);
    json_out_field_u64(&o, "id", m->user);
    json_out_field_str(&o, "name", m->name);
    json_out_object_end(&o);
    json_out_field_str(&o, "text", m->text);
    if (m->cid.n > 0)
        json_out_field_str(&o, "cid", m->cid);
    if (m->edit)
        json_out_field_u64(&o, "target", m->target);
    if (m->reply_to > 0)
        json_out_field_u64(&o, "reply_to", m->reply_to);
    json_out_object_end(&o);
    json_out_object_end(&o);
}

/* The members that count; each is a string. */
struct hook_answer {
    struct str verdict, text, reason;
};

static bool read_members(struct json *j, struct hook_answer *ret)
{
    enum json_token t = json_next(j);

    if (t != JSON_OBJECT)
        return false;
    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (t == JSON_STRING && str_eq(j->key, STR("verdict")))
            ret->verdict = j->str;
        else if (t == JSON_STRING && str_eq(j->key, STR("text")))
            ret->text = j->str;
        else if (t == JSON_STRING && str_eq(j->key, STR("reason")))
            ret->reason = j->str;
        else if (!json_skip(j, t))
            return false;
    }
    return json_next(j) == JSON_END;
}

static bool is_message(struct str s, uint64_t chars_max)
{
    return text_message(s) == ERROR_NONE && (chars_max == 0 || utf8_count(s) <= chars_max);
}

enum hook_verdict hook_read(uint8_t *p, size_t n, uint64_t text_max, struct str *ret_text)
{
    struct hook_answer a = {0};
    struct json j;

    *ret_text = (struct str){0};
    json_init(&j, p, n, DEPTH_MAX);
    json_limit(&j, VALUES_MAX);
    if (!read_members(&j, &a))
        return HOOK_FAILED;
    if (str_eq(a.verdict, STR("allow")))
        return HOOK_ALLOWED;
    if (str_eq(a.verdict, STR("change")) && is_message(a.text, text_max)) {
        *ret_text = a.text;
        return HOOK_CHANGED;
    }
    if (!str_eq(a.verdict, STR("refuse")) ||
        (a.reason.n > 0 && !is_message(a.reason, HOOK_REASON_MAX)))
        return HOOK_FAILED;
    *ret_text = a.reason;
    return HOOK_REFUSED;
}
