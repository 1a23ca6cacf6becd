#include "aws/answer.h"

#include "base/json.h"
#include "base/str.h"
#include "base/utc.h"

enum { DEPTH_MAX = 8 };

/* Copies what consists of visible characters. */
static bool answer_copy(char *to, size_t max, struct str s)
{
    if (s.n > max)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    if (s.n > 0)
        memcpy(to, s.p, s.n);
    to[s.n] = '\0';
    return true;
}

bool answer_take(struct answer *a, const struct sigv4_credentials *c)
{
    return c->access_key.n > 0 && c->secret_key.n > 0 &&
           answer_copy(a->access_key, ANSWER_ACCESS_MAX, c->access_key) &&
           answer_copy(a->secret_key, ANSWER_SECRET_MAX, c->secret_key) &&
           answer_copy(a->token, ANSWER_TOKEN_MAX, c->token);
}

/* A code that a log may show: what is no word is left out. */
static void take_code(struct answer *a, struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n && n < ANSWER_CODE_MAX; i++) {
        uint8_t c = s.p[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.')
            a->code[n++] = (char)c;
    }
    a->code[n] = '\0';
}

static void take_member(struct answer *a, struct str key, struct str value,
                        struct sigv4_credentials *c, struct str *ret_end)
{
    if (str_eq(key, STR("AccessKeyId")))
        c->access_key = value;
    else if (str_eq(key, STR("SecretAccessKey")))
        c->secret_key = value;
    else if (str_eq(key, STR("Token")))
        c->token = value;
    else if (str_eq(key, STR("Expiration")))
        *ret_end = value;
    else if (str_eq_nocase(key, STR("code")))
        take_code(a, value);
}

bool answer_json(struct answer *a, uint8_t *p, size_t n)
{
    struct sigv4_credentials c = {0};
    struct str end = {0};
    enum json_token t;
    struct json j;

    memset(a, 0, sizeof(*a));
    json_init(&j, p, n, DEPTH_MAX);
    if (json_next(&j) != JSON_OBJECT)
        return false;
    while ((t = json_next(&j)) != JSON_OBJECT_END) {
        if (t == JSON_STRING)
            take_member(a, j.key, j.str, &c, &end);
        else if (!json_skip(&j, t))
            return false;
    }
    if (json_next(&j) != JSON_END || (a->code[0] != '\0' && strcmp(a->code, "Success") != 0))
        return false;
    a->code[0] = '\0';
    return (end.n == 0 || utc_parse(end, &a->expires_s)) && answer_take(a, &c);
}

/* The text of the first element of that name; empty if there is none. */
static struct str element(struct str xml, const char *name)
{
    struct str n = str_of(name);

    for (size_t i = 0; i + n.n + 2 <= xml.n; i++) {
        struct str rest, text;

        if (xml.p[i] != '<' || memcmp(xml.p + i + 1, n.p, n.n) != 0 || xml.p[i + 1 + n.n] != '>')
            continue;
        rest = str_skip(xml, i + n.n + 2);
        text = str_cut(&rest, '<');
        if (rest.n >= n.n + 2 && rest.p[0] == '/' && memcmp(rest.p + 1, n.p, n.n) == 0)
            return text;
    }
    return (struct str){0};
}

bool answer_sts(struct answer *a, struct str xml)
{
    struct sigv4_credentials c = {
        .access_key = element(xml, "AccessKeyId"),
        .secret_key = element(xml, "SecretAccessKey"),
        .token = element(xml, "SessionToken"),
    };

    memset(a, 0, sizeof(*a));
    take_code(a, element(xml, "Code"));
    return a->code[0] == '\0' && c.token.n > 0 &&
           utc_parse(element(xml, "Expiration"), &a->expires_s) && answer_take(a, &c);
}

void answer_wipe(struct answer *a)
{
    explicit_bzero(a, sizeof(*a));
}
