#include "bench/bare.h"

#include "base/buf.h"
#include "base/str.h"
#include "bench/stamp.h"
#include "bench/talk.h"
#include "io/addr.h"
#include "wire/ws.h"

#include <stdio.h>

enum { FRAME_MAX = 128 * 1024, JOIN_ASK = 1, JOIN_ID = 1 << 2 | JOIN_ASK };

/* Where the last `what` of b begins. */
static size_t bare_find(const struct buf *b, struct str what)
{
    size_t at = b->wpos - what.n;

    while (at > 0 && memcmp(b->bytes + at, what.p, what.n) != 0)
        at--;
    return at;
}

/* A frame of the given text, unmasked as a server's are. */
static void frame(struct buf *b, struct str text)
{
    uint8_t head[WS_HEADER_MAX];

    buf_append(b, (struct str){head, ws_encode_header(head, WS_OP_TEXT, WS_FIN, text.n, NULL)});
    buf_append(b, text);
}

/* A message as polylog writes it, with text of the planned length. */
static void message_make(const struct plan *p, struct buf *b, struct floor_options *o)
{
    struct buf text CLEANUP(buf_fini);

    buf_init(&text, FRAME_MAX);
    buf_printf(
        &text,
        "{\"event\":\"message\",\"room\":\"%s-00000\",\"seq\":1000000001,"
        "\"count\":1000000001,\"ts\":1763673000123,\"from\":{\"id\":1000,\"name\":\"%s-1000\"},"
        "\"text\":\"",
        p->prefix, p->prefix);
    for (size_t i = 0; i < p->payload; i++)
        buf_append_byte(&text, i == 0 ? STAMP_MARK : 'x');
    buf_append(&text, STR("\",\"cid\":\"b000000i0n100000\",\"rev\":1000000001}"));
    frame(b, buf_peek(&text));
    o->frame = buf_peek(b);
    o->room_at = bare_find(b, STR("-00000\"")) + 1;
    o->seq_at = bare_find(b, STR("\"seq\":")) + 6;
    o->stamp_at = bare_find(b, STR("~"));
    o->stamp_n = STAMP_N;
}

/* The answer to the join that a peer asked first (bench/talk.c). */
static void hello_make(const struct plan *p, struct buf *b, struct floor_options *o)
{
    struct buf text CLEANUP(buf_fini);

    buf_init(&text, FRAME_MAX);
    buf_printf(&text,
               "{\"id\":%d,\"ok\":{\"room\":{\"id\":\"%s-00000\",\"kind\":\"public\",\"epoch\":1,"
               "\"head\":{\"seq\":1000000000,\"count\":1000000000}}}}",
               JOIN_ID, p->prefix);
    frame(b, buf_peek(&text));
    o->hello = buf_peek(b);
    o->hello_room_at = bare_find(b, STR("-00000\"")) + 1;
}

int bare_start(struct plan *p, struct floor *ret_floor)
{
    struct floor_options o = {
        .rooms = p->rooms, .join = (unsigned)p->conf->floor_join, .cpu = p->pin_server};
    struct buf message CLEANUP(buf_fini);
    struct buf hello CLEANUP(buf_fini);
    char text[IO_ADDR_TEXT_MAX];
    int r;

    buf_init(&message, FRAME_MAX);
    buf_init(&hello, FRAME_MAX);
    message_make(p, &message, &o);
    hello_make(p, &hello, &o);
    o.request_n = talk_request_n(p);
    assert(!message.failed && !hello.failed);
    r = floor_start(&o, ret_floor);
    if (r < 0)
        return r;
    (void)snprintf(text, sizeof(text), "127.0.0.1:%u", ret_floor->port);
    r = addr_parse(str_of(text), &p->addr);
    p->pids[0] = ret_floor->pid;
    p->pids_n = 1;
    return r;
}
