#include "wire/deflate.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MEM_LEVEL 8

/* zlib cannot make raw deflate with a window of 8 bits. What fits such a window is
 * a stream whose only distance is 1: runs of one byte, and Huffman codes. */
#define ZLIB_WINDOW_MIN 9

/* RFC 7692 7.2.1: what ends every flush and is not sent. */
#define TAIL_LEN 4
static const uint8_t tail[TAIL_LEN] = {0x00, 0x00, 0xff, 0xff};

/* RFC 7692 7.2.3.6: an empty message is an empty stored block without tail. */
static const uint8_t empty_message[] = {0x00};

/* Output storage above this is not kept for the next message. */
#define KEEP_MAX ((size_t)256 << 10)
#define GROW_MIN 1024

/* Final blocks that one message may have: each costs a copy of the window. */
#define FINAL_BLOCKS_MAX 32

struct deflate_codec {
    int level;
    z_stream *compressors[DEFLATE_WINDOW_MAX + 1]; /* by window bits */
    z_stream *inflater;
    struct buf out;
};

/* RFC 7692 7.1.2: 8 to 15 without leading zeros. */
static bool window_bits(struct str s, uint8_t *ret)
{
    uint64_t v;

    if (!str_to_u64(s, &v) || v < DEFLATE_WINDOW_MIN || v > DEFLATE_WINDOW_MAX || s.p[0] == '0')
        return false;
    *ret = (uint8_t)v;
    return true;
}

/* The four parameters, as they were found in one offer or answer. */
struct found {
    bool server_alone, client_alone; /* ..._no_context_takeover */
    bool server_bits, client_bits;
    bool client_bits_valued;
    uint8_t server_window, client_window;
};

/* A flag, without a value, seen for the first time. */
static bool set_flag(const struct field_param *p, bool *flag)
{
    if (p->has_value || *flag)
        return false;
    *flag = true;
    return true;
}

/* RFC 7692 7.1: one parameter; false if it is unknown, repeated or invalid. */
static bool take_param(const struct field_param *p, struct found *f)
{
    if (str_eq_nocase(p->name, STR("server_no_context_takeover")))
        return set_flag(p, &f->server_alone);
    if (str_eq_nocase(p->name, STR("client_no_context_takeover")))
        return set_flag(p, &f->client_alone);
    if (str_eq_nocase(p->name, STR("server_max_window_bits"))) {
        if (f->server_bits || !p->has_value)
            return false;
        f->server_bits = true;
        return window_bits(p->value, &f->server_window);
    }
    if (str_eq_nocase(p->name, STR("client_max_window_bits"))) {
        if (f->client_bits)
            return false;
        f->client_bits = true;
        f->client_bits_valued = p->has_value;
        return !p->has_value || window_bits(p->value, &f->client_window);
    }
    return false;
}

/* RFC 6455 9.1: an extension's name and parameters. */
static bool take_extension(struct str element, struct found *ret)
{
    struct field_param p;

    *ret = (struct found){0};
    if (!field_param_next(&element, &p) || p.has_value ||
        !str_eq_nocase(p.name, STR("permessage-deflate")))
        return false;
    while (field_param_next(&element, &p))
        if (!take_param(&p, ret))
            return false;
    return true;
}

bool deflate_negotiate(struct str offers, struct deflate_params *ret)
{
    struct found f;
    struct str offer;

    while (field_list_next(&offers, &offer)) {
        if (!take_extension(offer, &f))
            continue;
        ret->window_bits = f.server_bits ? f.server_window : DEFLATE_WINDOW_MAX;
        ret->window_answered = f.server_bits;
        return true;
    }
    return false;
}

size_t deflate_answer(const struct deflate_params *params, char out[static DEFLATE_ANSWER_MAX])
{
    char window[32] = "";
    int n;

    if (params->window_answered)
        (void)snprintf(window, sizeof(window), "; server_max_window_bits=%d", params->window_bits);
    n = snprintf(out, DEFLATE_ANSWER_MAX, "%s%s", DEFLATE_BASE, window);
    assert(n > 0 && n < DEFLATE_ANSWER_MAX);
    return (size_t)n;
}

struct deflate_codec *deflate_new(int level)
{
    struct deflate_codec *c = mem_zeroed(1, sizeof(*c));

    c->level = level;
    buf_init(&c->out, SIZE_MAX / 2);
    return c;
}

void deflate_free(struct deflate_codec *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < COUNTOF(c->compressors); i++)
        if (c->compressors[i] != NULL) {
            (void)deflateEnd(c->compressors[i]);
            free(c->compressors[i]);
        }
    if (c->inflater != NULL) {
        (void)inflateEnd(c->inflater);
        free(c->inflater);
    }
    buf_fini(&c->out);
    free(c);
}

static z_stream *new_stream(void)
{
    z_stream *z = mem_zeroed(1, sizeof(*z));

    return z;
}

/* Aborts when memory is out, as these are few and of a known size. */
static z_stream *compressor(struct deflate_codec *c, uint8_t bits)
{
    int strategy = bits < ZLIB_WINDOW_MIN ? Z_RLE : Z_DEFAULT_STRATEGY;
    z_stream *z = c->compressors[bits];
    int r;

    if (z == NULL) {
        z = c->compressors[bits] = new_stream();
        r = deflateInit2(z, c->level, Z_DEFLATED, -(int)MAX(bits, (uint8_t)ZLIB_WINDOW_MIN),
                         MEM_LEVEL, strategy);
    } else {
        r = deflateReset(z);
    }
    if (r != Z_OK)
        abort();
    return z;
}

static z_stream *inflater(struct deflate_codec *c)
{
    int r;

    if (c->inflater == NULL) {
        c->inflater = new_stream();
        r = inflateInit2(c->inflater, -DEFLATE_WINDOW_MAX);
    } else {
        r = inflateReset(c->inflater);
    }
    if (r != Z_OK)
        abort();
    return c->inflater;
}

static void forget_output(struct deflate_codec *c)
{
    if (c->out.cap > KEEP_MAX)
        buf_fini(&c->out);
    buf_clear(&c->out);
}

/* z wants its input by a pointer to bytes that it does not change, and counts
 * them in 32 bits: gives it the next piece of what is left. */
static void give_input(z_stream *z, struct str *rest)
{
    size_t n = MIN(rest->n, (size_t)UINT32_MAX);

    z->next_in = (z_const Bytef *)(uintptr_t)rest->p;
    z->avail_in = (uInt)n;
    *rest = str_skip(*rest, n);
}

/* RFC 7692 7.2.1. */
struct str deflate_compress(struct deflate_codec *c, uint8_t bits, struct str s)
{
    struct str out;
    z_stream *z;

    assert(bits >= DEFLATE_WINDOW_MIN && bits <= DEFLATE_WINDOW_MAX);
    if (s.n == 0)
        return (struct str){empty_message, sizeof(empty_message)};
    forget_output(c);
    z = compressor(c, bits);
    z->avail_in = 0;
    do {
        size_t room =
            MAX((size_t)GROW_MIN, MIN((size_t)deflateBound(z, (uLong)s.n) + 16, KEEP_MAX));
        uint8_t *to = buf_reserve(&c->out, room);

        if (to == NULL)
            abort();
        if (z->avail_in == 0)
            give_input(z, &s);
        z->next_out = to;
        z->avail_out = (uInt)room;
        (void)deflate(z, s.n > 0 ? Z_NO_FLUSH : Z_SYNC_FLUSH);
        buf_commit(&c->out, room - z->avail_out);
    } while (z->avail_out == 0 || s.n > 0);
    out = buf_peek(&c->out);
    assert(out.n > TAIL_LEN && memcmp(out.p + out.n - TAIL_LEN, tail, TAIL_LEN) == 0);
    out.n -= TAIL_LEN;
    return out;
}

/* A final block ended the stream, but not the message: a new stream begins that
 * may refer to what came before (RFC 7692 7.2.3.4). */
static bool restart(struct deflate_codec *c, z_stream *z)
{
    struct str out = buf_peek(&c->out);
    size_t n = MIN(out.n, (size_t)1 << DEFLATE_WINDOW_MAX);

    return inflateReset(z) == Z_OK &&
           (n == 0 || inflateSetDictionary(z, out.p + out.n - n, (uInt)n) == Z_OK);
}

/* Inflates all that z has been given. */
static enum deflate_result inflate_input(struct deflate_codec *c, z_stream *z, size_t out_max,
                                         uint32_t *finals)
{
    for (;;) {
        size_t have = buf_len(&c->out);
        size_t room = MIN(MAX((size_t)GROW_MIN, MIN(have, KEEP_MAX)), out_max - have);
        uint8_t beyond, *to = &beyond;
        int r;

        /* At the limit one byte more shows whether there is more to come. */
        if (room > 0 && (to = buf_reserve(&c->out, room)) == NULL)
            return DEFLATE_TOO_BIG;
        z->next_out = to;
        z->avail_out = room > 0 ? (uInt)room : 1;
        r = inflate(z, Z_SYNC_FLUSH);
        if (room == 0 && z->avail_out == 0)
            return DEFLATE_TOO_BIG;
        if (room > 0)
            buf_commit(&c->out, room - z->avail_out);
        if (r == Z_STREAM_END && (++*finals > FINAL_BLOCKS_MAX || !restart(c, z)))
            return DEFLATE_CORRUPT;
        if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
            return DEFLATE_CORRUPT;
        /* Room left over means that zlib holds nothing back. */
        if (z->avail_in == 0 && z->avail_out > 0)
            return DEFLATE_OK;
    }
}

/* RFC 7692 7.2.2. */
enum deflate_result deflate_inflate(struct deflate_codec *c, struct str s, size_t out_max,
                                    struct str *ret)
{
    struct str parts[] = {s, {tail, TAIL_LEN}};
    enum deflate_result result = DEFLATE_OK;
    uint32_t finals = 0;
    z_stream *z;

    forget_output(c);
    z = inflater(c);
    if (out_max == 0)
        out_max = SIZE_MAX / 2;
    for (size_t i = 0; i < COUNTOF(parts); i++)
        while (parts[i].n > 0 && result == DEFLATE_OK) {
            give_input(z, &parts[i]);
            result = inflate_input(c, z, out_max, &finals);
        }
    if (result == DEFLATE_OK)
        *ret = buf_peek(&c->out);
    return result;
}
