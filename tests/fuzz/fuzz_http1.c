#include "base/str.h"
#include "wire/field.h"
#include "wire/http1.h"
#include "wire/ws.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct http1_limits limits = {.head_max = 600, .target_max = 100, .body_max = 5000};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool within(struct str part, struct str all)
{
    return part.n == 0 || (part.p >= all.p && part.p + part.n <= all.p + all.n);
}

static bool trusts_two(void *arg, struct str address, uint32_t hop)
{
    (void)arg;
    (void)address;
    return hop < 2;
}

/* What holds for every request that was accepted. */
static void check_request(const struct http1_request *r, struct str head)
{
    struct str value, key;

    require(r->headers.n <= HTTP1_HEADERS_MAX && r->minor <= 1);
    require(r->path.n > 0 && (r->path.p[0] == '/' || str_eq(r->path, STR("*"))));
    require(within(r->target, head) && within(r->query, head) && within(r->host, head));
    require(r->host.n > 0 || r->minor == 0);
    require(memmem(head.p, head.n, "\r\n\r\n", 4) == head.p + head.n - 4);
    for (size_t i = 0; i < r->headers.n; i++) {
        require(within(r->headers.at[i].name, head) && within(r->headers.at[i].value, head));
        require(field_is_token(r->headers.at[i].name) && field_is_value(r->headers.at[i].value));
    }
    require(http1_count(&r->headers, STR("host")) <= 1);
    require(http1_count(&r->headers, STR("content-length")) +
                    http1_count(&r->headers, STR("transfer-encoding")) <=
                1 ||
            r->body == HTTP1_BODY_CHUNKED);
    if (ws_handshake(r, &key) == 0)
        require(key.n == 24 && within(key, head));
    if (field_cookie(&r->headers, STR("a"), &value))
        require(within(value, head));
    value = field_client_address(&r->headers, STR("::1"), trusts_two, NULL);
    require(value.n <= 45);
}

static enum http1_result parse(const uint8_t *data, size_t n, bool response)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    struct http1_response res;
    struct http1_request req;
    enum http1_result result;
    size_t used = 0;
    int status = 0;

    require(copy != NULL);
    if (n > 0)
        memcpy(copy, data, n);
    if (response)
        result = http1_parse_response((struct str){copy, n}, &limits, false, &res, &used);
    else
        result = http1_parse_request((struct str){copy, n}, &limits, &req, &used, &status);
    require(result != HTTP1_OK || (used > 0 && used <= n && used <= limits.head_max));
    require(response || (result == HTTP1_BAD) == (status >= 400 && status <= 505));
    require(result != HTTP1_MORE || n < limits.head_max);
    if (result == HTTP1_OK && !response)
        check_request(&req, (struct str){copy, used});
    free(copy);
    return result;
}

/* Byte after byte a head is incomplete until it is good or bad, and then stays
 * what it is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    enum http1_result before = HTTP1_MORE;
    bool response;

    if (n < 1)
        return 0;
    response = (data[0] & 1) != 0;
    for (size_t i = 0; i < n; i += i < n / 2 || n < 200 ? 1 : 7) {
        enum http1_result result = parse(data + 1, i, response);

        require(before == HTTP1_MORE || result == before);
        before = result;
    }
    return 0;
}
