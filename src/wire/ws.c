#include "base/mem.h"

/* SHA-1 without EVP (see hmac.c). */
#define OPENSSL_API_COMPAT 10101

#include "wire/ws.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/frame.h"
#include "base/str.h"
#include "base/utf8.h"
#include "wire/deflate.h"
#include "wire/http1.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define RSV23 0x30
#define OPCODE_BITS 0x0f
#define MASKED 0x80
#define LENGTH_BITS 0x7f
#define LENGTH_16 126
#define LENGTH_64 127
#define KEY_BYTES 16

/* RFC 6455 1.3. */
static const char accept_guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

struct head {
    uint64_t payload_n;
    uint8_t size; /* of the header itself */
    uint8_t opcode;
    bool fin, rsv1;
    uint8_t mask[WS_MASK_LEN]; /* zero if not masked */
};

/* What a decoder owns while a header, a frame or a message is incomplete, and
 * until the next call after that. */
struct ws_progress {
    struct buf message; /* of all frames so far, unmasked, compressed if it is */
    uint64_t taken;     /* payload bytes of the frame */
    struct head frame;  /* valid if in_frame */
    struct utf8 utf8;
    uint32_t fragments;
    bool in_frame, in_message;
    bool text, compressed; /* of the message */
    uint8_t head_n, control_n;
    uint8_t head[WS_HEADER_MAX];
    uint8_t control[WS_CONTROL_PAYLOAD_MAX];
};

enum head_result {
    HEAD_MORE,
    HEAD_OK,
    HEAD_BAD,
};

void ws_decoder_init(struct ws_decoder *d, enum ws_role role, bool deflate)
{
    *d = (struct ws_decoder){.client = role == WS_CLIENT, .deflate = deflate};
}

static void drop_progress(struct ws_decoder *d)
{
    if (d->progress == NULL)
        return;
    buf_fini(&d->progress->message);
    free(d->progress);
    d->progress = NULL;
}

void ws_decoder_fini(struct ws_decoder *d)
{
    drop_progress(d);
}

size_t ws_held(const struct ws_decoder *d)
{
    return d->progress == NULL ? 0 : sizeof(*d->progress) + d->progress->message.cap;
}

static struct ws_progress *need_progress(struct ws_decoder *d)
{
    if (d->progress == NULL) {
        d->progress = mem_zeroed(1, sizeof(*d->progress));
    }
    return d->progress;
}

static bool in_message(const struct ws_decoder *d)
{
    return d->progress != NULL && d->progress->in_message;
}

static enum ws_event bad(struct ws_decoder *d, struct ws_message *ret, uint16_t code,
                         const char *why)
{
    d->ended = true;
    *ret = (struct ws_message){.close_code = code, .payload = str_of(why)};
    return WS_BAD;
}

static bool is_control(uint8_t opcode)
{
    return (opcode & 0x8) != 0;
}

/* RFC 6455 5.2, 5.4, 5.5 and RFC 7692 6: what the first byte may be. NULL, or
 * what is wrong with it. */
static const char *judge_first(const struct ws_decoder *d, uint8_t byte)
{
    uint8_t opcode = byte & OPCODE_BITS;

    if ((byte & RSV23) != 0)
        return "reserved bit set";
    if (opcode > WS_OP_PONG || (opcode > WS_OP_BINARY && opcode < WS_OP_CLOSE))
        return "unknown opcode";
    if (is_control(opcode) && (byte & WS_FIN) == 0)
        return "fragmented control frame";
    if ((byte & WS_RSV1) != 0 && (!d->deflate || is_control(opcode) || opcode == 0))
        return "compression bit not allowed";
    if (opcode == WS_OP_CONTINUATION && !in_message(d))
        return "nothing to continue";
    if ((opcode == WS_OP_TEXT || opcode == WS_OP_BINARY) && in_message(d))
        return "continuation expected";
    return NULL;
}

static const char *judge_second(const struct ws_decoder *d, uint8_t opcode, uint8_t byte)
{
    if (((byte & MASKED) != 0) == d->client)
        return d->client ? "masked frame from a server" : "frame not masked";
    if (is_control(opcode) && (byte & LENGTH_BITS) > WS_CONTROL_PAYLOAD_MAX)
        return "control frame too long";
    return NULL;
}

static uint64_t get_be(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* RFC 6455 5.2: judges each byte as soon as it is there. */
static enum head_result parse_head(const struct ws_decoder *d, const uint8_t *p, size_t n,
                                   struct head *ret, const char **ret_why)
{
    size_t ext, size;
    uint64_t len;

    if (n < 1)
        return HEAD_MORE;
    *ret_why = judge_first(d, p[0]);
    if (*ret_why != NULL)
        return HEAD_BAD;
    if (n < 2)
        return HEAD_MORE;
    *ret_why = judge_second(d, p[0] & OPCODE_BITS, p[1]);
    if (*ret_why != NULL)
        return HEAD_BAD;

    len = p[1] & LENGTH_BITS;
    ext = len == LENGTH_64 ? 8 : len == LENGTH_16 ? 2 : 0;
    if (n < 2 + ext)
        return HEAD_MORE;
    if (ext > 0)
        len = get_be(p + 2, ext);
    *ret_why = "invalid length";
    if ((ext == 2 && len < LENGTH_16) || (ext == 8 && (len <= UINT16_MAX || len > INT64_MAX)))
        return HEAD_BAD;
    size = 2 + ext + (d->client ? 0 : WS_MASK_LEN);
    if (n < size)
        return HEAD_MORE;

    *ret = (struct head){
        .payload_n = len,
        .size = (uint8_t)size,
        .opcode = p[0] & OPCODE_BITS,
        .fin = (p[0] & WS_FIN) != 0,
        .rsv1 = (p[0] & WS_RSV1) != 0,
    };
    if (!d->client)
        memcpy(ret->mask, p + 2 + ext, WS_MASK_LEN);
    return HEAD_OK;
}

/* How many bytes of payload may be collected. Deflate can make incompressible
 * data a little longer. */
static size_t payload_max(const struct ws_rules *rules, bool compressed)
{
    size_t max = rules->message_max;

    if (max == 0)
        return SIZE_MAX;
    return !compressed || max > SIZE_MAX / 2 ? max : max + max / 8 + 1024;
}

/* A data frame's header against the limits, before any of its payload. */
static enum ws_event judge_limits(struct ws_decoder *d, const struct ws_rules *rules,
                                  const struct head *h, struct ws_message *ret)
{
    bool goes_on = in_message(d);
    size_t max = payload_max(rules, goes_on ? d->progress->compressed : h->rsv1);
    size_t have = goes_on ? buf_len(&d->progress->message) : 0;

    if (is_control(h->opcode))
        return WS_MORE;
    if (rules->frame_max > 0 && h->payload_n > rules->frame_max)
        return bad(d, ret, WS_CLOSE_TOO_BIG, "frame too big");
    if (h->payload_n > max - have)
        return bad(d, ret, WS_CLOSE_TOO_BIG, "message too big");
    if (rules->fragments_max > 0 && goes_on && d->progress->fragments >= rules->fragments_max)
        return bad(d, ret, WS_CLOSE_TOO_BIG, "too many fragments");
    return WS_MORE;
}

/* RFC 6455 5.5.1, 7.1.5, 7.1.6. */
static enum ws_event finish_close(struct ws_decoder *d, struct str payload, struct ws_message *ret)
{
    uint16_t code = WS_CLOSE_NO_STATUS;

    if (payload.n == 1)
        return bad(d, ret, WS_CLOSE_PROTOCOL_ERROR, "close code cut short");
    if (payload.n >= 2) {
        code = (uint16_t)get_be(payload.p, 2);
        payload = str_skip(payload, 2);
        if (!ws_close_code_valid(code))
            return bad(d, ret, WS_CLOSE_PROTOCOL_ERROR, "invalid close code");
        if (!utf8_valid(payload))
            return bad(d, ret, WS_CLOSE_INVALID_DATA, "close reason is not UTF-8");
    }
    d->ended = true;
    *ret = (struct ws_message){.opcode = WS_OP_CLOSE, .close_code = code, .payload = payload};
    return WS_CLOSED;
}

static enum ws_event finish_control(struct ws_decoder *d, uint8_t opcode, struct str payload,
                                    struct ws_message *ret)
{
    if (opcode == WS_OP_CLOSE)
        return finish_close(d, payload, ret);
    *ret = (struct ws_message){.opcode = (enum ws_opcode)opcode, .payload = payload};
    return opcode == WS_OP_PING ? WS_PING : WS_PONG;
}

/* RFC 7692 7.2.2. */
static enum ws_event finish_compressed(struct ws_decoder *d, const struct ws_rules *rules,
                                       bool text, struct str payload, struct ws_message *ret)
{
    size_t max = rules->unpack_max > 0 ? rules->unpack_max : rules->message_max;
    struct str plain = {0};

    assert(rules->codec != NULL);
    switch (deflate_inflate(rules->codec, payload, max, &plain)) {
    case DEFLATE_TOO_BIG:
        return bad(d, ret, WS_CLOSE_TOO_BIG, "message too big");
    case DEFLATE_CORRUPT:
        return bad(d, ret, WS_CLOSE_INVALID_DATA, "compressed data is corrupt");
    case DEFLATE_OK:
        break;
    }
    if (text && !utf8_valid(plain))
        return bad(d, ret, WS_CLOSE_INVALID_DATA, "text is not UTF-8");
    *ret = (struct ws_message){
        .opcode = text ? WS_OP_TEXT : WS_OP_BINARY, .payload = plain, .unpacked = true};
    return WS_MESSAGE;
}

/* A frame that lies in the given bytes as a whole and is a message by itself. */
static enum ws_event finish_whole(struct ws_decoder *d, const struct ws_rules *rules,
                                  const struct head *h, uint8_t *p, struct ws_message *ret)
{
    struct str payload = {p, (size_t)h->payload_n};
    bool text = h->opcode == WS_OP_TEXT;

    ws_mask(p, payload.n, h->mask, 0);
    if (is_control(h->opcode))
        return finish_control(d, h->opcode, payload, ret);
    if (h->rsv1)
        return finish_compressed(d, rules, text, payload, ret);
    if (text && !utf8_valid(payload))
        return bad(d, ret, WS_CLOSE_INVALID_DATA, "text is not UTF-8");
    *ret = (struct ws_message){.opcode = (enum ws_opcode)h->opcode, .payload = payload};
    return WS_MESSAGE;
}

/* The frame in progress has all its payload. WS_MORE: its message goes on. */
static enum ws_event finish_frame(struct ws_decoder *d, const struct ws_rules *rules,
                                  struct ws_message *ret)
{
    struct ws_progress *pr = d->progress;
    struct str all = buf_peek(&pr->message);
    enum ws_event event;

    pr->in_frame = false;
    if (is_control(pr->frame.opcode))
        return finish_control(d, pr->frame.opcode, (struct str){pr->control, pr->control_n}, ret);
    if (!pr->frame.fin)
        return WS_MORE;
    pr->in_message = false;
    if (pr->compressed) {
        event = finish_compressed(d, rules, pr->text, all, ret);
        buf_fini(&pr->message);
        return event;
    }
    if (pr->text && !utf8_complete(&pr->utf8))
        return bad(d, ret, WS_CLOSE_INVALID_DATA, "text is not UTF-8");
    *ret = (struct ws_message){.opcode = pr->text ? WS_OP_TEXT : WS_OP_BINARY, .payload = all};
    return WS_MESSAGE;
}

/* Payload of the frame in progress: as much as there is, none if none is due. */
static enum ws_event take_payload(struct ws_decoder *d, const struct ws_rules *rules, uint8_t *p,
                                  size_t n, size_t *ret_used, struct ws_message *ret)
{
    struct ws_progress *pr = d->progress;
    size_t take = (size_t)MIN((uint64_t)n, pr->frame.payload_n - pr->taken);
    struct str bytes = {p, take};

    ws_mask(p, take, pr->frame.mask, (size_t)(pr->taken % WS_MASK_LEN));
    pr->taken += take;
    *ret_used = take;
    if (is_control(pr->frame.opcode)) {
        if (take > 0)
            memcpy(pr->control + pr->control_n, p, take);
        pr->control_n = (uint8_t)(pr->control_n + take);
    } else {
        if (pr->text && !pr->compressed && !utf8_feed(&pr->utf8, bytes))
            return bad(d, ret, WS_CLOSE_INVALID_DATA, "text is not UTF-8");
        buf_append(&pr->message, bytes);
        if (pr->message.failed)
            return bad(d, ret, WS_CLOSE_INTERNAL_ERROR, "out of memory");
    }
    return pr->taken == pr->frame.payload_n ? finish_frame(d, rules, ret) : WS_MORE;
}

/* A message begins with all of the progress zero, as none outlives a message. */
static void enter_frame(struct ws_decoder *d, const struct ws_rules *rules, const struct head *h)
{
    struct ws_progress *pr = need_progress(d);

    pr->frame = *h;
    pr->in_frame = true;
    pr->taken = 0;
    pr->control_n = 0;
    pr->head_n = 0;
    if (is_control(h->opcode))
        return;
    if (!pr->in_message) {
        pr->in_message = true;
        pr->text = h->opcode == WS_OP_TEXT;
        pr->compressed = h->rsv1;
        buf_init(&pr->message, payload_max(rules, h->rsv1));
    }
    pr->fragments++;
}

/* Keeps a header's bytes until the rest of it comes. */
static void keep_head(struct ws_decoder *d, const uint8_t *p, size_t n)
{
    struct ws_progress *pr = need_progress(d);

    memcpy(pr->head, p, n);
    pr->head_n = (uint8_t)n;
}

/* A header, maybe begun by an earlier call, and what there is of its payload. */
static enum ws_event take_frame(struct ws_decoder *d, const struct ws_rules *rules, uint8_t *p,
                                size_t n, size_t *ret_used, struct ws_message *ret)
{
    size_t kept = d->progress != NULL ? d->progress->head_n : 0, used, rest;
    uint8_t joined[WS_HEADER_MAX];
    const char *why = NULL;
    enum ws_event event;
    struct head h = {0};

    if (kept > 0)
        memcpy(joined, d->progress->head, kept);
    used = MIN(n, sizeof(joined) - kept);
    memcpy(joined + kept, p, used);
    *ret_used = used;
    switch (parse_head(d, joined, kept + used, &h, &why)) {
    case HEAD_MORE:
        keep_head(d, joined, kept + used);
        return WS_MORE;
    case HEAD_BAD:
        return bad(d, ret, WS_CLOSE_PROTOCOL_ERROR, why);
    case HEAD_OK:
        break;
    }
    event = judge_limits(d, rules, &h, ret);
    if (event != WS_MORE)
        return event;

    used = h.size - kept;
    if (n - used >= h.payload_n && (is_control(h.opcode) || (h.fin && h.opcode != 0))) {
        if (d->progress != NULL)
            d->progress->head_n = 0;
        *ret_used = used + (size_t)h.payload_n;
        return finish_whole(d, rules, &h, p + used, ret);
    }
    enter_frame(d, rules, &h);
    event = take_payload(d, rules, p + used, n - used, &rest, ret);
    *ret_used = used + rest;
    return event;
}

/* Frees what the last event lent, if nothing is under way. */
static void release(struct ws_decoder *d)
{
    const struct ws_progress *pr = d->progress;

    if (pr != NULL && (d->ended || (!pr->in_frame && !pr->in_message && pr->head_n == 0)))
        drop_progress(d);
}

enum ws_event ws_decode(struct ws_decoder *d, const struct ws_rules *rules, uint8_t *p, size_t n,
                        size_t *ret_used, struct ws_message *ret)
{
    enum ws_event event = WS_MORE;
    size_t at = 0, used = 0;

    release(d);
    while (at < n && !d->ended && event == WS_MORE) {
        if (d->progress != NULL && d->progress->in_frame)
            event = take_payload(d, rules, p + at, n - at, &used, ret);
        else
            event = take_frame(d, rules, p + at, n - at, &used, ret);
        at += used;
    }
    *ret_used = event == WS_MORE ? n : at;
    return event;
}

size_t ws_encode_header(uint8_t out[static WS_HEADER_MAX], enum ws_opcode opcode, uint32_t flags,
                        uint64_t payload_n, const uint8_t *mask)
{
    size_t ext = payload_n > UINT16_MAX ? 8 : payload_n >= LENGTH_16 ? 2 : 0;
    uint64_t len7 = ext == 8 ? LENGTH_64 : ext == 2 ? LENGTH_16 : payload_n;

    out[0] = (uint8_t)(flags | opcode);
    out[1] = (uint8_t)(len7 | (mask != NULL ? MASKED : 0));
    for (size_t i = 0; i < ext; i++)
        out[2 + i] = (uint8_t)(payload_n >> (8 * (ext - 1 - i)));
    if (mask == NULL)
        return 2 + ext;
    memcpy(out + 2 + ext, mask, WS_MASK_LEN);
    return 2 + ext + WS_MASK_LEN;
}

struct frame *ws_text(uint32_t flags, struct str payload)
{
    uint8_t header[WS_HEADER_MAX];
    size_t n = ws_encode_header(header, WS_OP_TEXT, flags, payload.n, NULL);
    struct frame *f = frame_new(n + payload.n);

    memcpy(f->bytes, header, n);
    memcpy(f->bytes + n, payload.p, payload.n);
    return f;
}

void ws_mask(uint8_t *p, size_t n, const uint8_t mask[static WS_MASK_LEN], size_t at)
{
    uint8_t turned[sizeof(uint64_t)];
    uint64_t key, word;
    size_t i = 0;

    for (size_t k = 0; k < sizeof(turned); k++)
        turned[k] = mask[(at + k) % WS_MASK_LEN];
    memcpy(&key, turned, sizeof(key));
    if (key == 0)
        return;
    for (; n - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, p + i, sizeof(word));
        word ^= key;
        memcpy(p + i, &word, sizeof(word));
    }
    for (; i < n; i++)
        p[i] ^= turned[i % sizeof(turned)];
}

size_t ws_encode_control(uint8_t out[static WS_CONTROL_MAX], enum ws_opcode opcode,
                         struct str payload, const uint8_t *mask)
{
    uint8_t header[WS_HEADER_MAX];
    size_t n;

    assert(payload.n <= WS_CONTROL_PAYLOAD_MAX && is_control((uint8_t)opcode));
    n = ws_encode_header(header, opcode, WS_FIN, payload.n, mask);
    memcpy(out, header, n);
    if (payload.n > 0)
        memcpy(out + n, payload.p, payload.n);
    if (mask != NULL)
        ws_mask(out + n, payload.n, mask, 0);
    return n + payload.n;
}

size_t ws_encode_close(uint8_t out[static WS_CONTROL_MAX], uint16_t code, struct str reason,
                       const uint8_t *mask)
{
    uint8_t payload[WS_CONTROL_PAYLOAD_MAX];

    if (code == 0 || code == WS_CLOSE_NO_STATUS)
        return ws_encode_control(out, WS_OP_CLOSE, (struct str){0}, mask);
    assert(ws_close_code_valid(code));
    reason = utf8_prefix(reason, sizeof(payload) - 2);
    payload[0] = (uint8_t)(code >> 8);
    payload[1] = (uint8_t)code;
    if (reason.n > 0)
        memcpy(payload + 2, reason.p, reason.n);
    return ws_encode_control(out, WS_OP_CLOSE, (struct str){payload, reason.n + 2}, mask);
}

bool ws_close_code_valid(uint16_t code)
{
    if (code >= 3000)
        return code <= 4999;
    return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}

bool ws_key_valid(struct str key)
{
    uint8_t bytes[BASE64_DECODED_MAX(WS_KEY_LEN)];
    size_t n;

    return key.n == WS_KEY_LEN && base64_decode(BASE64_STANDARD, key, bytes, &n) && n == KEY_BYTES;
}

/* RFC 6455 4.2.1 and 4.4. */
int ws_handshake(const struct http1_request *r, struct str *ret_key)
{
    struct str version, key;

    if (!str_eq(r->method, STR("GET")))
        return 405;
    if (r->minor == 0 || r->body == HTTP1_BODY_CHUNKED || r->content_length > 0)
        return 400;
    if (!http1_wants_websocket(r) || !http1_has(&r->headers, STR("connection"), STR("upgrade")))
        return 426;
    if (!http1_get(&r->headers, STR("sec-websocket-version"), &version) ||
        !str_eq(version, STR("13")))
        return 426;
    if (http1_count(&r->headers, STR("sec-websocket-key")) != 1 ||
        !http1_get(&r->headers, STR("sec-websocket-key"), &key) || !ws_key_valid(key))
        return 400;
    *ret_key = key;
    return 0;
}

void ws_accept(struct str key, char out[static WS_ACCEPT_LEN])
{
    uint8_t text[WS_KEY_LEN + sizeof(accept_guid) - 1], digest[SHA_DIGEST_LENGTH];
    SHA_CTX ctx;

    assert(key.n == WS_KEY_LEN);
    memcpy(text, key.p, WS_KEY_LEN);
    memcpy(text + WS_KEY_LEN, accept_guid, sizeof(accept_guid) - 1);
    (void)SHA1_Init(&ctx); /* SHA1() finds its algorithm anew each time */
    (void)SHA1_Update(&ctx, text, sizeof(text));
    (void)SHA1_Final(digest, &ctx);
    (void)base64_encode(BASE64_STANDARD, (struct str){digest, sizeof(digest)}, out);
}
