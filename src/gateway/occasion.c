#include "gateway/occasion.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utc.h"
#include "gateway/json_path.h"

enum { ID_BYTES = 11, MEMBERS_MAX = 16 * 1024 };

const char *occasion_name(enum occasion_kind kind)
{
    static const char *const names[] = {"CONNECT", "MESSAGE", "DISCONNECT"};

    return names[kind];
}

void occasion_make_id(const uint8_t bytes[static ID_BYTES], char ret_id[static OCCASION_ID_N])
{
    size_t n = base64_encode(BASE64_URL, (struct str){bytes, ID_BYTES}, ret_id);

    ret_id[n] = '=';
    ret_id[n + 1] = '\0';
}

bool occasion_is_id(struct str id)
{
    uint8_t bytes[BASE64_DECODED_MAX(OCCASION_ID_LEN)];
    size_t n;

    return id.n == OCCASION_ID_LEN && id.p[OCCASION_ID_LEN - 1] == '=' &&
           base64_decode(BASE64_URL, (struct str){id.p, id.n - 1}, bytes, &n) && n == ID_BYTES;
}

void occasion_time(uint64_t unix_ms, struct buf *out)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct utc u = utc_of((int64_t)(unix_ms / 1000));

    buf_printf(out, "%02d/%s/%04d:%02d:%02d:%02d +0000", (int)u.day, months[u.month - 1],
               (int)u.year, (int)u.hour, (int)u.minute, (int)u.second);
}

static void append_z(struct buf *out, const char *z)
{
    buf_append(out, str_of(z != NULL ? z : ""));
}

/* A member of what the authorizer said. */
static bool append_authorizer(const struct occasion *o, struct str name, struct buf *out)
{
    struct buf object CLEANUP(buf_fini);

    buf_init(&object, MEMBERS_MAX);
    if (o->link->authorizer.n == 0)
        return false;
    buf_append_byte(&object, '{');
    buf_append(&object, o->link->authorizer);
    buf_append_byte(&object, '}');
    return json_path_text(buf_peek(&object), name, out);
}

static bool append_identity(const struct occasion *o, struct str name, struct buf *out)
{
    if (str_eq(name, STR("sourceIp")))
        append_z(out, o->link->source_ip);
    else if (str_eq(name, STR("userAgent")))
        append_z(out, o->link->user_agent);
    else
        return false;
    return true;
}

bool occasion_context(const struct occasion *o, struct str name, struct buf *out)
{
    const struct {
        struct str name;
        const char *value;
    } texts[] = {
        {STR("connectionId"), o->link->id},
        {STR("domainName"), o->api->domain},
        {STR("eventType"), occasion_name(o->kind)},
        {STR("routeKey"), o->route_key},
        {STR("requestId"), o->request_id},
        {STR("extendedRequestId"), o->request_id},
        {STR("apiId"), o->api->id},
        {STR("stage"), o->api->stage},
        {STR("accountId"), o->api->account},
        {STR("messageDirection"), "IN"},
    };

    for (size_t i = 0; i < COUNTOF(texts); i++)
        if (str_eq(name, texts[i].name)) {
            append_z(out, texts[i].value);
            return true;
        }
    if (str_starts(name, STR("authorizer.")))
        return append_authorizer(o, str_skip(name, 11), out);
    if (str_starts(name, STR("identity.")))
        return append_identity(o, str_skip(name, 9), out);
    if (str_eq(name, STR("messageId")) && o->kind == OCCASION_MESSAGE)
        append_z(out, o->message_id);
    else if (str_eq(name, STR("connectedAt")))
        buf_append_u64(out, o->link->connected_ms);
    else if (str_eq(name, STR("requestTimeEpoch")))
        buf_append_u64(out, o->now_ms);
    else if (str_eq(name, STR("requestTime")))
        occasion_time(o->now_ms, out);
    else if (str_eq(name, STR("disconnectStatusCode")) && o->kind == OCCASION_DISCONNECT)
        buf_append_u64(out, o->close_code);
    else if (str_eq(name, STR("disconnectReason")) && o->kind == OCCASION_DISCONNECT)
        buf_append(out, o->close_reason);
    else
        return false;
    return true;
}
