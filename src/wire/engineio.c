#include "wire/engineio.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"

static const struct {
    int status;
    const char *text;
} errors[] = {
    [ENGINEIO_UNKNOWN_TRANSPORT] = {400, "Transport unknown"},
    [ENGINEIO_UNKNOWN_SID] = {400, "Session ID unknown"},
    [ENGINEIO_BAD_HANDSHAKE_METHOD] = {400, "Bad handshake method"},
    [ENGINEIO_BAD_REQUEST] = {400, "Bad request"},
    [ENGINEIO_FORBIDDEN] = {403, "Forbidden"},
    [ENGINEIO_UNSUPPORTED_VERSION] = {400, "Unsupported protocol version"},
};

/* Section "Packet encoding". */
static bool decode_text(struct str text, struct engineio_packet *ret)
{
    if (text.n == 0 || text.p[0] < '0' || text.p[0] > '0' + ENGINEIO_NOOP)
        return false;
    *ret = (struct engineio_packet){.type = (enum engineio_type)(text.p[0] - '0'),
                                    .data = str_skip(text, 1)};
    return true;
}

bool engineio_decode(struct str payload, bool binary, struct engineio_packet *ret)
{
    if (!binary)
        return decode_text(payload, ret);
    *ret = (struct engineio_packet){.type = ENGINEIO_MESSAGE, .binary = true, .data = payload};
    return true;
}

static bool decode_base64(uint8_t *p, size_t n, struct engineio_packet *ret)
{
    size_t bytes_n;

    /* What is written never overtakes what is read: three bytes for four. */
    if (!base64_decode(BASE64_STANDARD, (struct str){p, n}, p, &bytes_n))
        return false;
    *ret = (struct engineio_packet){.type = ENGINEIO_MESSAGE, .binary = true, .data = {p, bytes_n}};
    return true;
}

/* Section "Payload encoding". */
enum engineio_next engineio_next(uint8_t *p, size_t n, size_t *at, struct engineio_packet *ret)
{
    uint8_t *begin, *end;
    size_t record_n;
    bool ok;

    if (*at > n)
        return ENGINEIO_END;
    begin = n > 0 ? p + *at : p; /* p may be NULL then */
    end = n > *at ? memchr(begin, ENGINEIO_SEPARATOR, n - *at) : NULL;
    record_n = end != NULL ? (size_t)(end - begin) : n - *at;
    *at += record_n + 1;
    if (record_n > 0 && begin[0] == 'b')
        ok = decode_base64(begin + 1, record_n - 1, ret);
    else
        ok = decode_text((struct str){begin, record_n}, ret) && utf8_valid(ret->data);
    return ok ? ENGINEIO_PACKET : ENGINEIO_BAD;
}

void engineio_append_record(struct buf *out, const struct engineio_packet *packet)
{
    if (buf_len(out) > 0)
        buf_append_byte(out, ENGINEIO_SEPARATOR);
    if (packet->binary) {
        buf_append_byte(out, 'b');
        base64_append(out, BASE64_STANDARD, packet->data);
        return;
    }
    buf_append_byte(out, (uint8_t)('0' + packet->type));
    buf_append(out, packet->data);
}

/* Section "Handshake". */
void engineio_append_open(struct buf *out, const struct engineio_open *open)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    json_out_field_str(&o, "sid", open->sid);
    json_out_key(&o, "upgrades");
    json_out_array(&o);
    if (open->upgrades)
        json_out_str(&o, STR("websocket"));
    json_out_array_end(&o);
    json_out_field_u64(&o, "pingInterval", open->ping_interval_ms);
    json_out_field_u64(&o, "pingTimeout", open->ping_timeout_ms);
    json_out_field_u64(&o, "maxPayload", open->max_payload);
    json_out_object_end(&o);
}

int engineio_error_status(enum engineio_error error)
{
    return errors[error].status;
}

void engineio_append_error(struct buf *out, enum engineio_error error)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    json_out_field_u64(&o, "code", (uint64_t)error);
    json_out_field_str(&o, "message", str_of(errors[error].text));
    json_out_object_end(&o);
}
