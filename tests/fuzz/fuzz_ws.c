#include "base/buf.h"
#include "wire/deflate.h"
#include "wire/ws.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 3000
#define LOG_MAX ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct setup {
    struct ws_rules rules;
    enum ws_role role;
    bool deflate;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void put_event(struct buf *log, const struct setup *s, enum ws_event event,
                      const struct ws_message *m)
{
    require(s->rules.message_max == 0 || m->payload.n <= s->rules.message_max || event == WS_BAD);
    require((event != WS_PING && event != WS_PONG && event != WS_CLOSED) ||
            m->payload.n <= WS_CONTROL_PAYLOAD_MAX);
    buf_printf(log, "%d %d %d %zu:", event, m->opcode, m->close_code, m->payload.n);
    buf_append(log, m->payload);
    require(!log->failed);
}

/* Decodes bytes that are cut by a generator, or not at all if its seed is 0. */
static void run(const struct setup *s, struct str bytes, uint32_t seed, struct buf *log)
{
    struct ws_decoder d;
    size_t at = 0;

    ws_decoder_init(&d, s->role, s->deflate);
    while (at < bytes.n) {
        size_t n = seed == 0 ? bytes.n : MIN((size_t)(seed >> 16) % 41, bytes.n - at), used = 0;
        uint8_t *copy = malloc(n + 1), *p = copy;
        struct ws_message m = {0};
        enum ws_event event;

        require(copy != NULL);
        memcpy(copy, bytes.p + at, n);
        at += n;
        copy = p = realloc(copy, n > 0 ? n : 1);
        do {
            event = ws_decode(&d, &s->rules, p, n, &used, &m);
            require(used <= n);
            if (event != WS_MORE)
                put_event(log, s, event, &m);
            p += used;
            n -= used;
        } while (event != WS_MORE);
        require(n == 0);
        require(ws_held(&d) <= 1024 + 2 * at);
        free(copy);
        seed = seed * 1664525 + 1013904223;
        seed += seed == 0;
        if (at == bytes.n)
            break;
    }
    ws_decoder_fini(&d);
}

/* Whatever the bytes, the events are the same however they are cut, and no
 * message is over the limit. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct deflate_codec *codec;
    struct buf whole, cut;
    struct setup s;

    if (n < 2)
        return 0;
    if (codec == NULL)
        codec = deflate_new(1);
    s = (struct setup){
        .rules = {.message_max = (data[0] & 1) != 0 ? MESSAGE_MAX : 1 << 20,
                  .fragments_max = (data[0] & 2) != 0 ? 5 : 0,
                  .codec = codec},
        .role = (data[0] & 4) != 0 ? WS_CLIENT : WS_SERVER,
        .deflate = (data[0] & 8) != 0,
    };
    buf_init(&whole, LOG_MAX);
    buf_init(&cut, LOG_MAX);
    run(&s, (struct str){data + 2, n - 2}, 0, &whole);
    run(&s, (struct str){data + 2, n - 2}, data[1] * 2654435761u + 1, &cut);
    require(buf_len(&whole) == buf_len(&cut));
    require(buf_len(&cut) == 0 || memcmp(buf_peek(&whole).p, buf_peek(&cut).p, buf_len(&cut)) == 0);
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
