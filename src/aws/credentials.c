#include "aws/credentials.h"

#include "aws/answer.h"
#include "aws/metadata_url.h"
#include "aws/profile.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/file.h"
#include "wire/url.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER_URL "http://169.254.170.2"
#define INSTANCE_URL "http://169.254.169.254"
#define INSTANCE_URL_IP6 "http://[fd00:ec2::254]"
#define KEYS_PATH "/latest/meta-data/iam/security-credentials/"
/* Where it has looked in vain before it asks the instance. */
#define LOOKED                                                                                \
    "no credentials in the environment (AWS_ACCESS_KEY_ID), the profile (~/.aws/credentials)" \
    ", of a container (AWS_CONTAINER_CREDENTIALS_...)"
#define SESSION_NAME "polylog"

enum {
    AHEAD_MS = 15 * 60 * 1000,
    RETRY_MS = 1000,
    STALE_MS = 10 * 1000,
    TIMEOUT_MS = 2000,
    DOUBLINGS_MAX = 6, /* of the time between two tries */
    FILE_MAX = 64 * 1024,
    TOKEN_FILE_MAX = 16 * 1024,
    TEXT_MAX = 64 * 1024,
    ANSWER_MAX = 64 * 1024,
    ROLE_MAX = 256,
    REGION_MAX = 32,
    HEADER_MAX = 2,
};

/* What the request under way asks for.
 *
 *   IDENTITY -----------------------------+
 *   CONTAINER ----------------------------+--> found
 *   TOKEN -> ROLE -> KEYS [-> REGION] ----+
 *     ^ 401, once |     |
 *     +-----------+-----+ */
enum credentials_step {
    STEP_IDENTITY,
    STEP_CONTAINER,
    STEP_TOKEN,
    STEP_ROLE,
    STEP_KEYS,
    STEP_REGION
};

struct credentials_held {
    struct credentials_snapshot s;
    size_t n;
    char bytes[];
};

struct credentials {
    struct credentials_options o;
    struct wheel_timer timer;
    struct io_mail mail;
    _Atomic bool mailed;
    _Atomic uint64_t refused; /* the newest version that AWS refused */
    bool stopped, asking, anew;
    bool asked; /* anybody, since the last look began */
    enum credentials_step step;
    unsigned failures;
    uint64_t looked_ms;
    struct http_request req;
    struct buf url, body, token, role, line;
    const char *headers[HEADER_MAX + 1];
    struct answer found;
    char region[REGION_MAX + 1];
    const char *source;
    /* For any thread; current is swapped and referred to while taken is set. */
    atomic_flag taken;
    struct credentials_snapshot *current;
    _Atomic uint64_t version;
};

/* Snapshots. */

void credentials_unref(struct credentials_snapshot *s)
{
    struct credentials_held *h;

    if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    h = CONTAINER_OF(s, struct credentials_held, s);
    explicit_bzero(h->bytes, h->n);
    free(h);
}

static char *credentials_put(char **to, const char *z)
{
    size_t n = strlen(z) + 1;
    char *at = *to;

    memcpy(at, z, n);
    *to += n;
    return at;
}

static struct credentials_snapshot *snapshot_new(const struct credentials *c)
{
    const struct answer *a = &c->found;
    size_t n =
        strlen(a->access_key) + strlen(a->secret_key) + strlen(a->token) + strlen(c->region) + 4;
    struct credentials_held *h = mem_zeroed(1, sizeof(*h) + n);
    char *to;

    h->n = n;
    to = h->bytes;
    h->s.keys.access_key = str_of(credentials_put(&to, a->access_key));
    h->s.keys.secret_key = str_of(credentials_put(&to, a->secret_key));
    h->s.keys.token = str_of(credentials_put(&to, a->token));
    h->s.region = credentials_put(&to, c->region);
    h->s.source = c->source;
    h->s.expires_s = a->expires_s;
    h->s.version = atomic_load(&c->version) + 1;
    atomic_init(&h->s.refs, 1);
    return &h->s;
}

static void publish(struct credentials *c, struct credentials_snapshot *s)
{
    struct credentials_snapshot *old;

    while (atomic_flag_test_and_set_explicit(&c->taken, memory_order_acquire))
        ;
    old = c->current;
    c->current = s;
    atomic_store(&c->version, s->version);
    atomic_flag_clear_explicit(&c->taken, memory_order_release);
    credentials_unref(old);
}

bool credentials_get(struct credentials *c, struct credentials_snapshot **snapshot)
{
    struct credentials_snapshot *old = *snapshot;
    uint64_t version = atomic_load(&c->version);

    if (version == 0)
        return false;
    if (old != NULL && old->version == version)
        return true;
    while (atomic_flag_test_and_set_explicit(&c->taken, memory_order_acquire))
        if (old != NULL)
            return true; /* the next time */
    *snapshot = c->current;
    (void)atomic_fetch_add(&c->current->refs, 1);
    atomic_flag_clear_explicit(&c->taken, memory_order_release);
    credentials_unref(old);
    return true;
}

/* When to look again. */

/* From half of ms to all of it. */
static uint64_t jitter(struct credentials *c, uint64_t ms)
{
    uint32_t r;

    io_random(c->o.io, (uint8_t *)&r, sizeof(r));
    return ms - ms / 2 + r % (ms / 2 + 1);
}

static void wipe(struct buf *b)
{
    if (b->bytes != NULL)
        explicit_bzero(b->bytes, b->cap);
    buf_clear(b);
}

static void end_look(struct credentials *c)
{
    c->asking = false;
    wipe(&c->token);
    wipe(&c->body);
    wipe(&c->line);
    wipe(&c->req.ret_body);
    answer_wipe(&c->found);
}

static void credentials_fail(struct credentials *c, const char *why)
{
    uint64_t wait = (uint64_t)c->o.retry_ms << MIN(c->failures, (unsigned)DOUBLINGS_MAX);

    end_look(c);
    c->failures++;
    wheel_set(c->o.wheel, &c->timer,
              io_now_ms(c->o.io) + jitter(c, MIN(wait, (uint64_t)c->o.retry_ms * 60)));
    if (c->o.told != NULL)
        c->o.told(c->o.ctx, c->current, why);
}

/* The next look, ahead of the end; if that is near or past, every now and then. */
static void sleep_until(struct credentials *c, int64_t expires_s)
{
    int64_t now = (int64_t)io_wall_ms(c->o.io), left = expires_s * 1000 - now;
    uint64_t soon = (uint64_t)c->o.retry_ms * 60, wait;

    if (expires_s == 0)
        return;
    wait = left > 0 ? (uint64_t)left : 0;
    if (wait > c->o.ahead_ms + soon)
        wait -= c->o.ahead_ms + jitter(c, c->o.ahead_ms / 8);
    else
        wait = jitter(c, MAX(wait / 2, soon));
    wheel_set(c->o.wheel, &c->timer, io_now_ms(c->o.io) + wait);
}

static bool is_known(const struct credentials *c)
{
    const struct credentials_snapshot *s = c->current;

    if (s == NULL)
        return false;
    if (str_eq(s->keys.access_key, str_of(c->found.access_key)) &&
        str_eq(s->keys.secret_key, str_of(c->found.secret_key)) &&
        str_eq(s->keys.token, str_of(c->found.token)) && strcmp(s->region, c->region) == 0)
        return true;
    /* An endpoint that is behind, and says what has ended. */
    return c->found.expires_s != 0 && c->found.expires_s < s->expires_s &&
           c->found.expires_s * 1000 <= (int64_t)io_wall_ms(c->o.io);
}

static void credentials_found(struct credentials *c)
{
    bool fresh = !is_known(c);
    int64_t expires_s = c->found.expires_s;

    c->failures = 0;
    if (fresh)
        publish(c, snapshot_new(c));
    end_look(c);
    sleep_until(c, expires_s);
    if (fresh && c->o.told != NULL)
        c->o.told(c->o.ctx, c->current, NULL);
}

/* Asking. */

static void set_header(struct credentials *c, const char *name, struct str value)
{
    wipe(&c->line);
    buf_printf(&c->line, "%s: %.*s", name, STR_ARGS(value));
    buf_append_byte(&c->line, 0);
    c->headers[0] = (const char *)buf_peek(&c->line).p;
    c->headers[1] = NULL;
}

/* Sends what url, headers and body hold. */
static void credentials_ask(struct credentials *c, enum credentials_step step, const char *method)
{
    struct http_request *r = &c->req;

    buf_append_byte(&c->url, 0);
    if (c->url.failed || c->body.failed || c->line.failed) {
        credentials_fail(c, "a credentials endpoint, or its token, is too long");
        return;
    }
    c->step = step;
    r->method = method;
    r->url = (const char *)buf_peek(&c->url).p;
    r->headers = c->headers;
    r->body = buf_len(&c->body) > 0 ? buf_peek(&c->body) : (struct str){0};
    r->timeout_ms = c->o.timeout_ms;
    r->response_max = ANSWER_MAX;
    c->asking = c->asked = true;
    wipe(&r->ret_body);
    http_client_submit(c->o.http, r);
}

/* A file with a token: its text, if that can be a header. */
static bool read_token(struct buf *b, const char *path)
{
    struct str s;

    buf_init(b, TOKEN_FILE_MAX);
    if (file_read(path, b) < 0)
        return false;
    s = buf_peek(b);
    while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
        s.n--;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~')
            return false;
    b->wpos = b->rpos + s.n;
    return s.n > 0;
}

static void buf_wipe_fini(struct buf *b)
{
    wipe(b);
    buf_fini(b);
}

static void ask_identity(struct credentials *c, const char *file, const char *role)
{
    const char *endpoint = aws_env_endpoint(c->o.env, "STS");
    const char *session = aws_env_get(c->o.env, "AWS_ROLE_SESSION_NAME");
    struct buf token CLEANUP(buf_wipe_fini);

    c->source = "web identity";
    if (!read_token(&token, file)) {
        credentials_fail(c, "AWS_WEB_IDENTITY_TOKEN_FILE cannot be read, or holds no token");
        return;
    }
    if (endpoint != NULL)
        buf_printf(&c->url, "%s", endpoint);
    else if (c->region[0] == '\0')
        buf_append(&c->url, STR("https://sts.amazonaws.com/"));
    else
        buf_printf(&c->url, "https://sts.%s.amazonaws.com%s/", c->region,
                   strncmp(c->region, "cn-", 3) == 0 ? ".cn" : "");
    set_header(c, "Content-Type", STR("application/x-www-form-urlencoded"));
    buf_append(&c->body, STR("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn="));
    url_encode(&c->body, str_of(role));
    buf_append(&c->body, STR("&RoleSessionName="));
    url_encode(&c->body, str_of(session != NULL ? session : SESSION_NAME));
    buf_append(&c->body, STR("&WebIdentityToken="));
    url_encode(&c->body, buf_peek(&token));
    credentials_ask(c, STEP_IDENTITY, "POST");
}

static void ask_container(struct credentials *c, const char *relative, const char *full)
{
    const char *file = aws_env_get(c->o.env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *text = aws_env_get(c->o.env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    struct buf token CLEANUP(buf_wipe_fini);

    c->source = "container";
    buf_init(&token, TOKEN_FILE_MAX);
    if (relative != NULL)
        buf_printf(&c->url, "%s%s", c->o.container_url, relative);
    else
        buf_printf(&c->url, "%s", full);
    if (relative == NULL && !metadata_url_is_allowed(str_of(full))) {
        credentials_fail(c,
                         "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor of this machine");
        return;
    }
    if (relative == NULL && file != NULL && !read_token(&token, file)) {
        credentials_fail(
            c, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read, or holds no token");
        return;
    }
    if (relative == NULL && file == NULL && text != NULL) {
        if (strpbrk(text, "\r\n") != NULL) {
            credentials_fail(c, "AWS_CONTAINER_AUTHORIZATION_TOKEN has a line break");
            return;
        }
        buf_append(&token, str_of(text));
    }
    if (buf_len(&token) > 0)
        set_header(c, "Authorization", buf_peek(&token));
    credentials_ask(c, STEP_CONTAINER, "GET");
}

/* Sets url to a path of the instance's endpoint. */
static void set_instance_url(struct credentials *c, const char *path)
{
    const char *base = aws_env_get(c->o.env, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = aws_env_get(c->o.env, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    struct str b;

    if (base == NULL)
        base = mode != NULL && strcmp(mode, "IPv6") == 0 ? INSTANCE_URL_IP6 : c->o.instance_url;
    b = str_of(base);
    if (b.n > 0 && b.p[b.n - 1] == '/')
        b.n--;
    buf_clear(&c->url);
    buf_append(&c->url, b);
    buf_append(&c->url, str_of(path));
}

static void ask_token(struct credentials *c)
{
    c->source = "instance";
    wipe(&c->token);
    set_instance_url(c, "/latest/api/token");
    set_header(c, "x-aws-ec2-metadata-token-ttl-seconds", STR("21600"));
    credentials_ask(c, STEP_TOKEN, "PUT");
}

static void ask_instance(struct credentials *c, enum credentials_step step, const char *path)
{
    set_instance_url(c, path);
    if (step == STEP_KEYS)
        buf_append(&c->url, buf_peek(&c->role));
    set_header(c, "x-aws-ec2-metadata-token", buf_peek(&c->token));
    credentials_ask(c, step, "GET");
}

/* Answers. */

static void answered_badly(struct credentials *c, const char *what)
{
    bool last = c->step >= STEP_TOKEN && c->current == NULL;
    const char *before = last ? LOOKED "; " : "";
    char why[CREDENTIALS_WHY_MAX];

    if (c->req.ret_error != 0)
        (void)snprintf(why, sizeof(why), "%s%s: no answer: %s", before, c->source,
                       http_client_error(&c->req));
    else
        (void)snprintf(why, sizeof(why), "%s%s: status %u, %s%s%s", before, c->source,
                       c->req.ret_status, what, c->found.code[0] != '\0' ? ": " : "",
                       c->found.code);
    credentials_fail(c, why);
}

/* A line of text, as the instance's endpoint gives it. */
static bool take_line(struct buf *to, size_t max, struct str s)
{
    s = str_trim(str_cut(&s, '\n'));
    if (s.n == 0 || s.n > max)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    buf_clear(to);
    buf_append(to, s);
    return true;
}

static bool is_region(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-')
            return false;
    return s.n > 0 && s.n <= REGION_MAX;
}

static void set_region(struct credentials *c, struct str s)
{
    if (!is_region(s))
        return;
    memcpy(c->region, s.p, s.n);
    c->region[s.n] = '\0';
}

/* The keys came; of an instance, where it is may be asked still. */
static void take_keys(struct credentials *c, bool good)
{
    if (!good)
        answered_badly(c, "not credentials");
    else if (c->step == STEP_KEYS && c->region[0] == '\0')
        ask_instance(c, STEP_REGION, "/latest/meta-data/placement/region");
    else
        credentials_found(c);
}

static void take_answer(struct credentials *c, struct str body)
{
    switch (c->step) {
    case STEP_IDENTITY:
        take_keys(c, answer_sts(&c->found, body) && c->req.ret_status == 200);
        break;
    case STEP_CONTAINER:
    case STEP_KEYS:
        take_keys(
            c, body.n > 0 &&
                   answer_json(&c->found, c->req.ret_body.bytes + c->req.ret_body.rpos, body.n) &&
                   c->req.ret_status == 200);
        break;
    case STEP_TOKEN:
        if (c->req.ret_status == 200 && take_line(&c->token, TOKEN_FILE_MAX, body))
            ask_instance(c, STEP_ROLE, KEYS_PATH);
        else
            answered_badly(c, "no token");
        break;
    case STEP_ROLE:
        if (c->req.ret_status == 200 && take_line(&c->role, ROLE_MAX, body))
            ask_instance(c, STEP_KEYS, KEYS_PATH);
        else
            answered_badly(c, "the instance has no role");
        break;
    case STEP_REGION:
        if (c->req.ret_status == 200)
            set_region(c, str_trim(body));
        credentials_found(c);
        break;
    }
}

static void credentials_answered(struct http_request *req)
{
    struct credentials *c = CONTAINER_OF(req, struct credentials, req);

    if (c->stopped) {
        end_look(c);
    } else if (req->ret_error != 0 && c->step != STEP_REGION) {
        answered_badly(c, "");
    } else if (req->ret_status == 401 && !c->anew &&
               (c->step == STEP_ROLE || c->step == STEP_KEYS)) {
        c->anew = true;
        ask_token(c);
    } else {
        take_answer(c, buf_peek(&req->ret_body));
    }
}

/* Where to look. */

static void read_files(struct credentials *c, struct buf *credentials, struct buf *config,
                       struct profile *ret)
{
    static const char *const names[] = {"AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"};
    static const char *const files[] = {"credentials", "config"};
    const char *home = aws_env_get(c->o.env, "HOME");
    const char *profile = aws_env_get(c->o.env, "AWS_PROFILE");
    struct buf *to[] = {credentials, config};

    for (int i = 0; i < 2; i++) {
        const char *path = aws_env_get(c->o.env, names[i]);
        char usual[1024];

        buf_init(to[i], FILE_MAX);
        if (path == NULL && home == NULL)
            continue;
        (void)snprintf(usual, sizeof(usual), "%s/.aws/%s", home != NULL ? home : "", files[i]);
        if (file_read(path != NULL ? path : usual, to[i]) < 0)
            buf_clear(to[i]); /* there need not be one */
        profile_read(buf_peek(to[i]), i == 0 ? PROFILE_CREDENTIALS : PROFILE_CONFIG,
                     str_of(profile != NULL ? profile : "default"), ret);
    }
}

/* 1: found; -1: refused, and said so; 0: there is nothing. */
static int look_at(struct credentials *c, const struct sigv4_credentials *keys, const char *source,
                   const char *why)
{
    if (keys->access_key.n == 0 && keys->secret_key.n == 0)
        return 0;
    c->source = source;
    if (!answer_take(&c->found, keys)) {
        credentials_fail(c, why);
        return -1;
    }
    credentials_found(c);
    return 1;
}

static int look_at_env(struct credentials *c)
{
    const char *v[] = {aws_env_get(c->o.env, "AWS_ACCESS_KEY_ID"),
                       aws_env_get(c->o.env, "AWS_SECRET_ACCESS_KEY"),
                       aws_env_get(c->o.env, "AWS_SESSION_TOKEN")};
    struct sigv4_credentials keys = {str_of(v[0] != NULL ? v[0] : ""),
                                     str_of(v[1] != NULL ? v[1] : ""),
                                     str_of(v[2] != NULL ? v[2] : "")};

    return look_at(c, &keys, "environment",
                   "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN do not make "
                   "credentials");
}

static int look_at_files(struct credentials *c, const struct profile *p)
{
    struct sigv4_credentials keys = {p->access_key, p->secret_key, p->token};
    int r = look_at(c, &keys, "files", "the profile's keys do not make credentials");

    if (r != 0)
        return r;
    c->source = "files";
    if (p->elsewhere)
        credentials_fail(
            c, "the profile asks for a role, a command or a sign-on, which is not supported: "
               "give it keys, or choose another with AWS_PROFILE");
    else if (aws_env_get(c->o.env, "AWS_PROFILE") != NULL)
        credentials_fail(c, p->found ? "the profile that AWS_PROFILE names has no keys"
                                     : "there is no profile that AWS_PROFILE names");
    else
        return 0;
    return -1;
}

static void look_at_endpoints(struct credentials *c)
{
    const struct aws_env *e = c->o.env;
    const char *file = aws_env_get(e, "AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *role = aws_env_get(e, "AWS_ROLE_ARN");
    const char *relative = aws_env_get(e, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = aws_env_get(e, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *off = aws_env_get(e, "AWS_EC2_METADATA_DISABLED");

    if (file != NULL && role != NULL)
        ask_identity(c, file, role);
    else if (relative != NULL || full != NULL)
        ask_container(c, relative, full);
    else if (off == NULL || !str_eq_nocase(str_of(off), STR("true")))
        ask_token(c);
    else
        credentials_fail(c, LOOKED "; the instance is not asked: AWS_EC2_METADATA_DISABLED");
}

static void credentials_look(struct credentials *c)
{
    const char *region = aws_env_region(c->o.env);
    struct buf credentials CLEANUP(buf_wipe_fini), config CLEANUP(buf_wipe_fini);
    struct profile p = {0};

    c->looked_ms = io_now_ms(c->o.io);
    c->anew = c->asked = false;
    c->headers[0] = NULL;
    buf_clear(&c->url);
    wipe(&c->body);
    read_files(c, &credentials, &config, &p);
    set_region(c, region != NULL ? str_of(region) : p.region);
    if (look_at_env(c) == 0 && look_at_files(c, &p) == 0)
        look_at_endpoints(c);
}

static void credentials_due(struct wheel_timer *t)
{
    credentials_look(CONTAINER_OF(t, struct credentials, timer));
}

/* AWS refused what is current: sooner than planned. */
static void credentials_refused(struct io_mail *mail)
{
    struct credentials *c = CONTAINER_OF(mail, struct credentials, mail);
    uint64_t at = MAX(io_now_ms(c->o.io), c->looked_ms + c->o.stale_ms);

    atomic_store(&c->mailed, false);
    if (c->stopped || c->asking || atomic_load(&c->refused) != atomic_load(&c->version))
        return;
    if (!wheel_armed(&c->timer) || c->timer.at_ms > at)
        wheel_set(c->o.wheel, &c->timer, at);
}

void credentials_stale(struct credentials *c, uint64_t version)
{
    if (version != atomic_load(&c->version))
        return;
    atomic_store(&c->refused, version);
    if (!atomic_exchange(&c->mailed, true))
        io_post(c->o.io, &c->mail, &c->mail);
}

struct credentials *credentials_new(const struct credentials_options *o)
{
    struct credentials *c = mem_zeroed(1, sizeof(*c));

    c->o = *o;
    c->o.ahead_ms = o->ahead_ms > 0 ? o->ahead_ms : AHEAD_MS;
    c->o.retry_ms = o->retry_ms > 0 ? o->retry_ms : RETRY_MS;
    c->o.stale_ms = o->stale_ms > 0 ? o->stale_ms : STALE_MS;
    c->o.timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : TIMEOUT_MS;
    c->o.container_url = o->container_url != NULL ? o->container_url : CONTAINER_URL;
    c->o.instance_url = o->instance_url != NULL ? o->instance_url : INSTANCE_URL;
    c->timer.fire = credentials_due;
    c->mail.deliver = credentials_refused;
    c->req.home = o->io;
    c->req.done = credentials_answered;
    atomic_flag_clear(&c->taken);
    buf_init(&c->url, TEXT_MAX);
    buf_init(&c->body, TEXT_MAX);
    buf_init(&c->token, TEXT_MAX);
    buf_init(&c->role, TEXT_MAX);
    buf_init(&c->line, TEXT_MAX);
    wheel_set(o->wheel, &c->timer, io_now_ms(o->io));
    return c;
}

void credentials_stop(struct credentials *c)
{
    c->stopped = true;
    wheel_cancel(c->o.wheel, &c->timer);
}

bool credentials_is_busy(const struct credentials *c)
{
    return c->asking || atomic_load(&c->mailed);
}

bool credentials_is_hopeless(const struct credentials *c)
{
    return c->failures > 0 && !c->asked;
}

void credentials_free(struct credentials *c)
{
    if (c == NULL)
        return;
    assert(c->stopped && !credentials_is_busy(c));
    end_look(c);
    http_client_request_fini(&c->req);
    buf_fini(&c->url);
    buf_fini(&c->body);
    buf_fini(&c->token);
    buf_fini(&c->role);
    buf_fini(&c->line);
    credentials_unref(c->current);
    free(c);
}
