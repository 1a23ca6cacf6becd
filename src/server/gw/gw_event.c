#include "server/gw/gw_event.h"

#include "base/str.h"
#include "base/utf8.h"
#include "base/varint.h"
#include "chat/model/keys.h"

#include <string.h>

enum {
    VERSION = 1,
    VERSION_PRINCIPAL = 2,
    RELAYED = 1,
    FIXED_N = 3,
    FIELD_MAX = 4096,
    STAGE_MAX = 128
};

/* Letters, digits, and more; at least one. */
static bool is_of(struct str s, const char *more, size_t max)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t ch = s.p[i];
        bool ok = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                  (ch >= '0' && ch <= '9') || memchr(more, ch, strlen(more)) != NULL;

        if (!ok)
            return false;
    }
    return s.n > 0 && s.n <= max;
}

static bool is_id(struct str s)
{
    return is_of(s, "=-_+/", KEYS_CONN_MAX);
}

/* What may stand between the slashes of a URL, and is nothing else there. */
static bool is_url_part(struct str s, size_t max)
{
    return is_of(s, "-_.:$", max);
}

static bool is_text(struct str s, size_t max)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] > 0x7e)
            return false;
    return s.n <= max;
}

static struct str field_of(const struct http1_headers *h, const char *name)
{
    struct str value;

    return http1_get(h, str_of(name), &value) ? value : (struct str){0};
}

const char *gw_event_read(const struct http1_headers *h, struct gw_event *ret_event)
{
    struct gw_event e = *ret_event;
    struct str connected = field_of(h, "x-ws-connected-at");

    e.id = field_of(h, "x-ws-connection-id");
    e.source = field_of(h, "x-ws-source-ip");
    e.token = field_of(h, "x-ws-token");
    e.origin = field_of(h, "x-ws-origin");
    e.protocol = field_of(h, "x-ws-protocol");
    e.principal = field_of(h, "x-ws-principal");
    e.title = field_of(h, "x-ws-principal-name");
    if (!is_id(e.id))
        return "X-Ws-Connection-Id";
    if (!is_text(e.source, GW_SOURCE_MAX - 1))
        return "X-Ws-Source-Ip";
    if (!is_text(e.token, GW_TOKEN_MAX))
        return "X-Ws-Token";
    if (!is_text(e.origin, FIELD_MAX))
        return "X-Ws-Origin";
    if (!is_text(e.protocol, FIELD_MAX))
        return "X-Ws-Protocol";
    if (!is_text(e.principal, GW_PRINCIPAL_MAX))
        return "X-Ws-Principal";
    if (e.title.n > GW_PRINCIPAL_MAX || !utf8_valid(e.title))
        return "X-Ws-Principal-Name";
    if (connected.n > 0 && !str_to_u64(connected, &e.connected_ms))
        return "X-Ws-Connected-At";
    *ret_event = e;
    return NULL;
}

bool gw_event_base(const struct http1_headers *h, struct buf *out)
{
    struct str domain = field_of(h, "x-ws-domain"), stage = field_of(h, "x-ws-stage");

    if (!is_url_part(domain, GW_BASE_MAX / 2) || !is_url_part(stage, STAGE_MAX))
        return false;
    buf_append(out, STR("https://"));
    buf_append(out, domain);
    if (!str_eq(stage, STR("$default"))) {
        buf_append_byte(out, '/');
        buf_append(out, stage);
    }
    return !out->failed;
}

/* As bytes. */

static void put_text(struct buf *out, struct str s)
{
    buf_append_varint(out, s.n);
    buf_append(out, s);
}

static bool get_text(struct str *rest, size_t max, struct str *ret)
{
    uint64_t n;

    if (!varint_get(rest, &n) || n > max || n > rest->n)
        return false;
    *ret = (struct str){rest->p, (size_t)n};
    *rest = str_skip(*rest, (size_t)n);
    return true;
}

void gw_event_encode(const struct gw_event *e, struct buf *out)
{
    buf_append_byte(out, e->principal.n > 0 ? VERSION_PRINCIPAL : VERSION);
    buf_append_byte(out, (uint8_t)e->kind);
    buf_append_byte(out, e->relayed ? RELAYED : 0);
    buf_append_varint(out, e->connected_ms);
    put_text(out, e->id);
    put_text(out, e->base);
    put_text(out, e->source);
    put_text(out, e->token);
    put_text(out, e->origin);
    put_text(out, e->protocol);
    if (e->principal.n > 0) {
        put_text(out, e->principal);
        put_text(out, e->title);
    }
    buf_append(out, e->body);
}

bool gw_event_decode(struct str bytes, struct gw_event *ret_event)
{
    struct gw_event e = {0};

    bool vouched = bytes.n > 0 && bytes.p[0] == VERSION_PRINCIPAL;

    if (bytes.n < FIXED_N || (bytes.p[0] != VERSION && !vouched) || bytes.p[1] > GW_DISCONNECT ||
        bytes.p[2] > RELAYED)
        return false;
    e.kind = (enum gw_kind)bytes.p[1];
    e.relayed = bytes.p[2] == RELAYED;
    bytes = str_skip(bytes, FIXED_N);
    if (!varint_get(&bytes, &e.connected_ms) || !get_text(&bytes, KEYS_CONN_MAX, &e.id) ||
        !get_text(&bytes, GW_BASE_MAX, &e.base) ||
        !get_text(&bytes, GW_SOURCE_MAX - 1, &e.source) ||
        !get_text(&bytes, GW_TOKEN_MAX, &e.token) || !get_text(&bytes, FIELD_MAX, &e.origin) ||
        !get_text(&bytes, FIELD_MAX, &e.protocol) || !is_id(e.id) ||
        !is_text(e.base, GW_BASE_MAX) || !is_text(e.source, GW_SOURCE_MAX - 1))
        return false;
    if (vouched && (!get_text(&bytes, GW_PRINCIPAL_MAX, &e.principal) || e.principal.n == 0 ||
                    !get_text(&bytes, GW_PRINCIPAL_MAX, &e.title)))
        return false;
    e.body = bytes;
    *ret_event = e;
    return true;
}

void gw_event_answer_encode(const struct gw_answer *a, struct buf *out)
{
    assert(a->status >= 200 && a->status < 600);
    buf_printf(out, "%u %u\n", a->status, a->protocol ? 1u : 0u);
    buf_append(out, a->body);
}

bool gw_event_answer_decode(struct str bytes, struct gw_answer *ret_answer)
{
    struct str rest = bytes, head = str_cut(&rest, '\n');
    uint64_t status, protocol;

    if (!str_to_u64(str_cut(&head, ' '), &status) || !str_to_u64(head, &protocol) || status < 200 ||
        status > 599 || protocol > 1)
        return false;
    *ret_answer =
        (struct gw_answer){.status = (unsigned)status, .protocol = protocol == 1, .body = rest};
    return true;
}
