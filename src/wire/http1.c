#include "wire/http1.h"

#include "base/str.h"
#include "wire/field.h"

#include <string.h>

#define METHOD_MAX 32
#define PORT_DIGITS_MAX 5
/* What a status line and the fixed fields of a reply take at most. */
#define REPLY_FIXED_MAX 256

static enum http1_result bad(int *ret_status, int status)
{
    *ret_status = status;
    return HTTP1_BAD;
}

/* RFC 9112 2.2: takes a line off in at *at, without its CRLF. A lone CR or LF,
 * and any other control character, is bad also while the line is incomplete. */
static enum http1_result next_line(struct str in, size_t *at, struct str *ret_line)
{
    struct str rest = str_skip(in, *at);
    const uint8_t *end = rest.n > 0 ? memchr(rest.p, '\n', rest.n) : NULL;
    struct str line = {rest.p, end != NULL ? (size_t)(end - rest.p) : rest.n};
    bool cr = line.n > 0 && line.p[line.n - 1] == '\r';

    line.n -= cr;
    if (!field_is_value(line) || (end != NULL && !cr))
        return HTTP1_BAD;
    *ret_line = line;
    if (end == NULL)
        return HTTP1_MORE;
    *at += line.n + 2;
    return HTTP1_OK;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* RFC 9112 2.3. 0 and the minor version, or a status. */
static int parse_version(struct str s, uint8_t *ret_minor)
{
    if (s.n != 8 || !str_starts(s, STR("HTTP/")) || !is_digit(s.p[5]) || s.p[6] != '.' ||
        !is_digit(s.p[7]))
        return 400;
    if (s.p[5] != '1' || s.p[7] > '1')
        return 505;
    *ret_minor = (uint8_t)(s.p[7] - '0');
    return 0;
}

/* Whether a target has visible characters only, and no fragment. */
static bool target_valid(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '#')
            return false;
    return s.n > 0;
}

/* A name or an IPv4 address up to the port, or an IPv6 address in brackets. */
static size_t host_name_len(struct str s)
{
    bool literal = s.n > 0 && s.p[0] == '[';
    size_t i = literal;

    for (; i < s.n; i++) {
        uint8_t c = s.p[i], letter = c | 0x20;

        if (is_digit(c) || (letter >= 'a' && letter <= (literal ? 'f' : 'z')) || c == '.')
            continue;
        if (literal ? c != ':' : c != '-' && c != '_' && c != '~')
            break;
    }
    if (!literal)
        return i;
    return i > 1 && i < s.n && s.p[i] == ']' ? i + 1 : 0;
}

/* RFC 9112 3.2: host [":" port], as strictly as names in use allow. */
static bool host_valid(struct str s)
{
    size_t n = host_name_len(s);

    if (n == 0)
        return false;
    s = str_skip(s, n);
    if (s.n == 0)
        return true;
    for (size_t i = 1; i < s.n; i++)
        if (!is_digit(s.p[i]))
            return false;
    return s.p[0] == ':' && s.n <= 1 + PORT_DIGITS_MAX;
}

/* RFC 9112 3.2.2: scheme "://" authority, then path and query. */
static bool parse_absolute(struct str target, struct http1_request *r)
{
    struct str scheme = str_cut(&target, ':');
    size_t n = 0;

    if (!str_eq_nocase(scheme, STR("http")) && !str_eq_nocase(scheme, STR("https")))
        return false;
    if (!str_starts(target, STR("//")))
        return false;
    target = str_skip(target, 2);
    while (n < target.n && target.p[n] != '/' && target.p[n] != '?')
        n++;
    r->host = (struct str){target.p, n};
    r->query = str_skip(target, n);
    r->path = str_cut(&r->query, '?');
    if (r->path.n == 0)
        r->path = STR("/");
    return host_valid(r->host);
}

/* RFC 9112 3.2. CONNECT's form is none that we serve. */
static bool parse_target(struct http1_request *r)
{
    if (!target_valid(r->target))
        return false;
    if (r->target.p[0] == '/') {
        r->query = r->target;
        r->path = str_cut(&r->query, '?');
        return true;
    }
    if (str_eq(r->target, STR("*"))) {
        r->path = r->target;
        return str_eq(r->method, STR("OPTIONS"));
    }
    return parse_absolute(r->target, r);
}

/* RFC 9112 3. 0 or a status. */
static int parse_request_line(struct str line, const struct http1_limits *limits,
                              struct http1_request *r)
{
    int status;

    r->method = str_cut(&line, ' ');
    r->target = str_cut(&line, ' ');
    if (r->method.n > METHOD_MAX || !field_is_token(r->method))
        return 400;
    status = parse_version(line, &r->minor);
    if (status != 0)
        return status;
    if (r->target.n > limits->target_max)
        return 414;
    return parse_target(r) ? 0 : 400;
}

/* RFC 9112 5.1: no blank before the colon, no folded lines (their blank is no
 * token either). */
static bool parse_field(struct str line, struct http1_header *ret)
{
    bool colon = memchr(line.p, ':', line.n) != NULL;

    ret->name = str_cut(&line, ':');
    ret->value = str_trim(line);
    return colon && field_is_token(ret->name);
}

/* All fields up to the empty line. */
static enum http1_result parse_fields(struct str in, size_t *at, struct http1_headers *ret,
                                      int *ret_status)
{
    enum http1_result result;
    struct str line;

    ret->n = 0;
    while ((result = next_line(in, at, &line)) == HTTP1_OK && line.n > 0) {
        if (ret->n == HTTP1_HEADERS_MAX)
            return bad(ret_status, 431);
        if (!parse_field(line, &ret->at[ret->n++]))
            return bad(ret_status, 400);
    }
    if (result == HTTP1_BAD)
        return bad(ret_status, 400);
    return result;
}

struct framing {
    enum http1_body body;
    uint64_t content_length;
};

/* RFC 9112 6.1: chunked, once and alone, is all that is implemented. */
static int parse_transfer_encoding(const struct http1_headers *h, struct framing *ret)
{
    size_t codings = 0, chunked = 0;
    struct str rest, coding = {0};

    for (size_t i = 0; i < h->n; i++) {
        if (!str_eq_nocase(h->at[i].name, STR("transfer-encoding")))
            continue;
        rest = h->at[i].value;
        while (field_list_next(&rest, &coding)) {
            codings++;
            chunked += str_eq_nocase(coding, STR("chunked"));
        }
    }
    if (codings == 0 || chunked > 1 || (chunked == 1 && !str_eq_nocase(coding, STR("chunked"))))
        return 400;
    if (codings > 1 || chunked == 0)
        return 501;
    ret->body = HTTP1_BODY_CHUNKED;
    return 0;
}

/* RFC 9112 6.3, without the cases that it leaves to the recipient's luck. 0 or
 * a status. */
static int parse_framing(const struct http1_headers *h, uint8_t minor, uint64_t body_max,
                         struct framing *ret)
{
    size_t lengths = http1_count(h, STR("content-length"));
    struct str value = {0};

    *ret = (struct framing){.body = HTTP1_BODY_NONE};
    if (http1_count(h, STR("transfer-encoding")) > 0)
        return lengths > 0 || minor == 0 ? 400 : parse_transfer_encoding(h, ret);
    if (lengths == 0)
        return 0;
    if (lengths > 1 || !http1_get(h, STR("content-length"), &value) ||
        !str_to_u64(value, &ret->content_length))
        return 400;
    ret->body = HTTP1_BODY_LENGTH;
    return ret->content_length <= body_max ? 0 : 413;
}

/* RFC 9112 9.3. */
static bool keeps_alive(const struct http1_headers *h, uint8_t minor)
{
    if (http1_has(h, STR("connection"), STR("close")))
        return false;
    return minor > 0 || http1_has(h, STR("connection"), STR("keep-alive"));
}

/* What a complete head means. 0 or a status. */
static int judge_request(struct http1_request *r, const struct http1_limits *limits)
{
    size_t hosts = http1_count(&r->headers, STR("host"));
    struct framing framing;
    struct str value;
    int status;

    if (hosts > 1 || (hosts == 0 && r->minor > 0))
        return 400;
    if (hosts == 1) {
        (void)http1_get(&r->headers, STR("host"), &value);
        if (!host_valid(value))
            return 400;
        if (r->host.n == 0)
            r->host = value;
    }
    status = parse_framing(&r->headers, r->minor, limits->body_max, &framing);
    if (status != 0)
        return status;
    r->body = framing.body;
    r->content_length = framing.content_length;
    r->keep_alive = keeps_alive(&r->headers, r->minor);
    if (r->minor > 0 && http1_get(&r->headers, STR("expect"), &value)) {
        if (!str_eq_nocase(value, STR("100-continue")))
            return 417;
        r->expect_continue = true;
    }
    return 0;
}

enum http1_result http1_parse_request(struct str in, const struct http1_limits *limits,
                                      struct http1_request *ret, size_t *ret_used, int *ret_status)
{
    struct str head = {in.p, MIN(in.n, limits->head_max)}, line;
    size_t at = str_starts(head, STR("\r\n")) ? 2 : 0;
    enum http1_result result = next_line(head, &at, &line);
    int status;

    if (result == HTTP1_BAD)
        return bad(ret_status, 400);
    if (result == HTTP1_MORE) {
        if (line.n > limits->target_max + METHOD_MAX || head.n == limits->head_max)
            return bad(ret_status, 414);
        return HTTP1_MORE;
    }
    *ret = (struct http1_request){.headers.n = 0};
    status = parse_request_line(line, limits, ret);
    if (status != 0)
        return bad(ret_status, status);
    result = parse_fields(head, &at, &ret->headers, ret_status);
    if (result == HTTP1_MORE && head.n == limits->head_max)
        return bad(ret_status, 431);
    if (result != HTTP1_OK)
        return result;
    status = judge_request(ret, limits);
    if (status != 0)
        return bad(ret_status, status);
    *ret_used = at;
    return HTTP1_OK;
}

/* RFC 9112 4. The reason is not looked at. */
static bool parse_status_line(struct str line, struct http1_response *r)
{
    uint64_t status;

    if (parse_version(str_cut(&line, ' '), &r->minor) != 0)
        return false;
    line = str_cut(&line, ' ');
    if (line.n != 3 || !str_to_u64(line, &status) || status < 100)
        return false;
    r->status = (int)status;
    return true;
}

enum http1_result http1_parse_response(struct str in, const struct http1_limits *limits,
                                       bool head_request, struct http1_response *ret,
                                       size_t *ret_used)
{
    struct str head = {in.p, MIN(in.n, limits->head_max)}, line;
    enum http1_result result;
    struct framing framing;
    size_t at = 0;
    int status;

    result = next_line(head, &at, &line);
    if (result == HTTP1_OK) {
        *ret = (struct http1_response){.status = 0};
        if (!parse_status_line(line, ret))
            return HTTP1_BAD;
        result = parse_fields(head, &at, &ret->headers, &status);
    }
    if (result == HTTP1_MORE && head.n == limits->head_max)
        return HTTP1_BAD;
    if (result != HTTP1_OK)
        return result;
    if (parse_framing(&ret->headers, ret->minor, limits->body_max, &framing) != 0)
        return HTTP1_BAD;
    ret->keep_alive = keeps_alive(&ret->headers, ret->minor);
    ret->body = framing.body;
    ret->content_length = framing.content_length;
    if (head_request || ret->status < 200 || ret->status == 204 || ret->status == 304) {
        ret->body = HTTP1_BODY_NONE;
    } else if (framing.body == HTTP1_BODY_NONE) {
        ret->body = HTTP1_BODY_UNTIL_END;
        ret->keep_alive = false;
    }
    *ret_used = at;
    return HTTP1_OK;
}

bool http1_get(const struct http1_headers *h, struct str name, struct str *ret_value)
{
    for (size_t i = 0; i < h->n; i++)
        if (str_eq_nocase(h->at[i].name, name)) {
            *ret_value = h->at[i].value;
            return true;
        }
    return false;
}

size_t http1_count(const struct http1_headers *h, struct str name)
{
    size_t n = 0;

    for (size_t i = 0; i < h->n; i++)
        n += str_eq_nocase(h->at[i].name, name);
    return n;
}

bool http1_has(const struct http1_headers *h, struct str name, struct str token)
{
    struct str rest, element;

    for (size_t i = 0; i < h->n; i++) {
        if (!str_eq_nocase(h->at[i].name, name))
            continue;
        rest = h->at[i].value;
        while (field_list_next(&rest, &element))
            if (str_eq_nocase(element, token))
                return true;
    }
    return false;
}

bool http1_wants_websocket(const struct http1_request *r)
{
    return http1_has(&r->headers, STR("upgrade"), STR("websocket"));
}

const char *http1_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } table[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };

    for (size_t i = 0; i < COUNTOF(table); i++)
        if (table[i].status == status)
            return table[i].reason;
    return "Unknown";
}

/* The bytes that the fields take on the wire; false if one may not be sent. */
static bool measure_fields(const struct http1_header *extra, size_t extra_n, size_t *ret_n)
{
    size_t n = 0;

    for (size_t i = 0; i < extra_n; i++) {
        if (!field_is_token(extra[i].name) || !field_is_value(extra[i].value))
            return false;
        n += extra[i].name.n + extra[i].value.n + 4;
    }
    *ret_n = n;
    return true;
}

static void append_field(struct buf *out, struct str name, struct str value)
{
    buf_append(out, name);
    buf_append(out, STR(": "));
    buf_append(out, value);
    buf_append(out, STR("\r\n"));
}

static void append_fields(struct buf *out, const struct http1_header *extra, size_t extra_n)
{
    for (size_t i = 0; i < extra_n; i++)
        append_field(out, extra[i].name, extra[i].value);
    buf_append(out, STR("\r\n"));
}

bool http1_write_reply(struct buf *out, const struct http1_reply *r)
{
    size_t n;

    assert(r->status >= 100 && r->status <= 999);
    assert(!r->chunked || r->content_length == HTTP1_NO_LENGTH);
    if (!field_is_value(r->date) || !field_is_value(r->content_type) ||
        !measure_fields(r->extra, r->extra_n, &n) ||
        buf_reserve(out, n + r->date.n + r->content_type.n + REPLY_FIXED_MAX) == NULL)
        return false;
    buf_append(out, STR("HTTP/1.1 "));
    buf_append_u64(out, (uint64_t)r->status);
    buf_append_byte(out, ' ');
    buf_append(out, str_of(http1_reason(r->status)));
    buf_append(out, STR("\r\n"));
    if (r->date.n > 0)
        append_field(out, STR("Date"), r->date);
    if (r->content_type.n > 0)
        append_field(out, STR("Content-Type"), r->content_type);
    if (r->content_length != HTTP1_NO_LENGTH) {
        buf_append(out, STR("Content-Length: "));
        buf_append_u64(out, r->content_length);
        buf_append(out, STR("\r\n"));
    }
    if (r->chunked)
        append_field(out, STR("Transfer-Encoding"), STR("chunked"));
    if (r->close)
        append_field(out, STR("Connection"), STR("close"));
    append_fields(out, r->extra, r->extra_n);
    return true;
}

bool http1_write_request(struct buf *out, struct str method, struct str target, struct str host,
                         const struct http1_header *extra, size_t extra_n)
{
    size_t n;

    if (!field_is_token(method) || !target_valid(target) || !host_valid(host) ||
        !measure_fields(extra, extra_n, &n) ||
        buf_reserve(out, n + method.n + target.n + host.n + REPLY_FIXED_MAX) == NULL)
        return false;
    buf_append(out, method);
    buf_append_byte(out, ' ');
    buf_append(out, target);
    buf_append(out, STR(" HTTP/1.1\r\n"));
    append_field(out, STR("Host"), host);
    append_fields(out, extra, extra_n);
    return true;
}
