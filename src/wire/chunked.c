#include "wire/chunked.h"

#include "base/hex.h"
#include "base/str.h"

#define STATUS_BAD 400
#define STATUS_TOO_LARGE 413

/* A size has at most this many digits, so that it cannot overflow. */
#define SIZE_DIGITS_MAX 15

enum state {
    SIZE, /* digits */
    EXTENSION,
    SIZE_LF, /* after the CR of the size's line */
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START, /* of a line: empty, or a trailer field */
    TRAILER,
    TRAILER_LF,
    LAST_LF,
    DONE,
    BAD,
};

static bool is_text(uint8_t c)
{
    return (c >= ' ' && c != 0x7f) || c == '\t';
}

static int take_size(struct chunked *c, uint8_t byte)
{
    int digit = hex_digit(byte);

    if (digit >= 0) {
        c->left = c->left << 4 | (uint64_t)digit;
        return ++c->line_n <= SIZE_DIGITS_MAX ? SIZE : BAD;
    }
    if (c->line_n == 0)
        return BAD;
    if (byte == ';')
        return EXTENSION;
    return byte == '\r' ? SIZE_LF : BAD;
}

/* Text up to a CR, of which only so much may come in all. */
static int take_text(struct chunked *c, uint8_t byte, uint32_t max, enum state same,
                     enum state after)
{
    if (byte == '\r')
        return (int)after;
    return is_text(byte) && ++c->extra_n <= max ? (int)same : BAD;
}

/* RFC 9112 7.1: one byte that is not data; the next state. */
static int take_byte(struct chunked *c, uint8_t byte)
{
    switch ((enum state)c->state) {
    case SIZE:
        return take_size(c, byte);
    case EXTENSION:
        return take_text(c, byte, CHUNKED_EXTENSIONS_MAX, EXTENSION, SIZE_LF);
    case SIZE_LF:
        c->line_n = 0;
        if (c->left == 0)
            c->extra_n = 0; /* of trailers from here on */
        return byte != '\n' ? BAD : c->left > 0 ? DATA : TRAILER_START;
    case DATA_CR:
        return byte == '\r' ? DATA_LF : BAD;
    case DATA_LF:
        return byte == '\n' ? SIZE : BAD;
    case TRAILER_START:
        if (byte == '\r')
            return LAST_LF;
        if (byte == ' ' || byte == '\t' || byte == ':')
            return BAD;
        return take_text(c, byte, CHUNKED_TRAILERS_MAX, TRAILER, TRAILER_LF);
    case TRAILER:
        return take_text(c, byte, CHUNKED_TRAILERS_MAX, TRAILER, TRAILER_LF);
    case TRAILER_LF:
        return byte == '\n' ? TRAILER_START : BAD;
    case LAST_LF:
        return byte == '\n' ? DONE : BAD;
    case DATA:
    case DONE:
    case BAD:
        break;
    }
    return BAD;
}

static enum chunked_event take_data(struct chunked *c, struct str in, size_t *ret_used,
                                    struct str *ret_data)
{
    size_t n = (size_t)MIN((uint64_t)in.n, c->left);

    c->left -= n;
    if (c->left == 0)
        c->state = DATA_CR;
    *ret_used += n;
    *ret_data = (struct str){in.p, n};
    return CHUNKED_DATA;
}

enum chunked_event chunked_decode(struct chunked *c, struct str in, size_t *ret_used,
                                  struct str *ret_data, int *ret_status)
{
    *ret_used = 0;
    while (*ret_used < in.n && c->state != DONE) {
        if (c->state == DATA)
            return take_data(c, str_skip(in, *ret_used), ret_used, ret_data);
        c->state = (uint8_t)take_byte(c, in.p[(*ret_used)++]);
        if (c->state == BAD) {
            *ret_status = STATUS_BAD;
            return CHUNKED_BAD;
        }
        if (c->state == DATA && c->left > c->body_max - c->body_n) {
            c->state = BAD;
            *ret_status = STATUS_TOO_LARGE;
            return CHUNKED_BAD;
        }
        if (c->state == DATA)
            c->body_n += c->left;
    }
    return c->state == DONE ? CHUNKED_DONE : CHUNKED_MORE;
}
