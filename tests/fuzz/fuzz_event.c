/* Any bytes as what a function answers; and as a handshake that an event is made of. */
#include "base/str.h"
#include "gateway/event.h"
#include "gateway/json_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void make_event(struct str head)
{
    static const struct occasion_api about = {
        .id = "a", .stage = "prod", .domain = "d", .region = "r", .account = "1"};
    struct http1_limits limits = HTTP1_LIMITS_DEFAULT;
    struct http1_request r;
    struct occasion_link person = {.id = "L0SM9cOFvHcCIhw=", .source_ip = "::1", .request = &r};
    struct occasion o = {
        .kind = OCCASION_CONNECT, .api = &about, .link = &person, .route_key = "$connect"};
    struct buf out CLEANUP(buf_fini);
    struct api *a;
    size_t used;
    int status;

    buf_init(&out, 1 << 22);
    if (http1_parse_request(head, &limits, &r, &used, &status) != HTTP1_OK)
        return;
    a = api_new();
    event_write_authorizer(&o, a, &out);
    buf_clear(&out);
    event_write(&o, a, &out);
    assert(buf_len(&out) > 0 && buf_peek(&out).p[buf_len(&out) - 1] == '}');
    api_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str text = {data, n};
    struct buf members CLEANUP(buf_fini), object CLEANUP(buf_fini), whole CLEANUP(buf_fini);
    struct buf answer CLEANUP(buf_fini), protocol CLEANUP(buf_fini);
    struct event_answer a = {.body = &answer, .protocol = &protocol};

    buf_init(&answer, 1 << 20);
    buf_init(&protocol, 1 << 20);
    if (event_read_answer(text, &a))
        assert(a.status < 1000);
    else
        assert(a.status == 0 && buf_len(&answer) == 0 && buf_len(&protocol) == 0);
    buf_init(&members, 1 << 20);
    buf_init(&object, 1 << 20);
    buf_init(&whole, 1 << 20);
    if (event_read_verdict(text, STR("arn:aws:x"), &members) != EVENT_BROKEN) {
        buf_append_byte(&object, '{');
        buf_append(&object, buf_peek(&members));
        buf_append_byte(&object, '}');
        assert(json_path_raw(buf_peek(&object), STR("$"), &whole));
    }
    make_event(text);
    return 0;
}
