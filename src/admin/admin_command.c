#include "admin/admin_command.h"

#include "admin/asker.h"
#include "admin/bearer.h"
#include "admin/people_alone.h"
#include "base/json.h"
#include "base/str.h"
#include "chat/model/names.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_MS = 30000, URL_MAX = 600, TEXT_MAX = 64 * 1024, DEPTH_MAX = 8 };

/* Where a server listens that was not told otherwise. */
#define PAGE "http://localhost:8080"

/* A command of the API on its way to a server, or to the store. */
struct admin {
    const struct conf *conf;
    struct asker asker;
    struct buf bearer;
    struct people_alone alone;
    bool by_store;
    uint64_t caller;           /* by the store: who gives the command; 0: who has the store */
    struct buf params, answer; /* an object of JSON each */
};

PRINTF_LIKE(1, 2)
static int admin_failed(const char *format, ...)
{
    va_list args;

    (void)fputs("polylog admin: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return EXIT_FAILURE;
}

/* The text of the first member of that key in the answer, at whatever depth; empty: there is none.
 * Borrowed from it, and may be asked for once. */
static struct str member_of(struct buf *answer, const char *key)
{
    struct str found = {0};
    enum json_token t;
    struct json j;

    json_init(&j, answer->bytes + answer->rpos, buf_len(answer), DEPTH_MAX);
    while ((t = json_next(&j)) != JSON_END && t != JSON_ERROR)
        if (found.p == NULL && t == JSON_STRING && str_eq(j.key, str_of(key)))
            found = j.str;
    return found;
}

/* By a server. */

static bool admin_post(struct admin *a, const char *command)
{
    const char *headers[] = {(const char *)buf_peek(&a->bearer).p, "Content-Type: application/json",
                             NULL};
    struct http_request *req;
    struct str message;
    char url[URL_MAX];
    bool ok;

    if (snprintf(url, sizeof(url), "%s/api/v1/%s", a->conf->at, command) >= (int)sizeof(url)) {
        (void)admin_failed("at is too long");
        return false;
    }
    req = asker_ask(&a->asker, &(struct http_request){.method = "POST",
                                                      .url = url,
                                                      .headers = headers,
                                                      .body = buf_peek(&a->params),
                                                      .timeout_ms = ASK_MS,
                                                      .response_max = TEXT_MAX});
    ok = req->ret_error >= 0 && req->ret_status == 200;
    if (ok) {
        buf_append(&a->answer, buf_peek(&req->ret_body));
    } else if (req->ret_error < 0) {
        (void)admin_failed("%s: %s", a->conf->at, http_client_error(req));
    } else {
        message = member_of(&req->ret_body, "message");
        (void)admin_failed(
            "%s: %.*s", a->conf->at,
            STR_ARGS(message.n > 0 ? message : STR("its answer is not a Polylog server's")));
    }
    bearer_wipe(&req->ret_body);
    http_client_request_fini(req);
    return ok;
}

/* The id behind the name among the users of the answer; 0: nobody has it. */
static uint64_t user_of(struct buf *answer, const char *name)
{
    char key[NAMES_KEY_MAX], other[NAMES_KEY_MAX];
    size_t n, other_n;
    uint64_t id = 0, found = 0;
    enum json_token t;
    struct json j;

    if (!names_fold(str_of(name), key, &n))
        return 0;
    json_init(&j, answer->bytes + answer->rpos, buf_len(answer), DEPTH_MAX);
    while ((t = json_next(&j)) != JSON_END && t != JSON_ERROR) {
        if (t == JSON_INT && str_eq(j.key, STR("id")))
            id = j.i64 > 0 ? (uint64_t)j.i64 : 0;
        else if (t == JSON_STRING && str_eq(j.key, STR("name")) &&
                 names_fold(j.str, other, &other_n) && other_n == n && memcmp(key, other, n) == 0)
            found = id;
    }
    return found;
}

static bool find_by_server(struct admin *a, const char *name, uint64_t *ret_user)
{
    struct json_out o;

    buf_clear(&a->params);
    buf_clear(&a->answer);
    json_out_init(&o, &a->params);
    json_out_object(&o);
    json_out_field_str(&o, "query", str_of(name));
    json_out_object_end(&o);
    if (!admin_post(a, "users"))
        return false;
    *ret_user = user_of(&a->answer, name);
    if (*ret_user == 0)
        (void)admin_failed("%s: %s", name, command_error_text(ERROR_no_such_user));
    return *ret_user != 0;
}

/* By the store: its keys are for whom the server's owner makes some, too. */
static bool find_in_store(struct admin *a, const char *name, uint64_t *ret_user)
{
    char why[PEOPLE_ALONE_WHY_MAX];
    struct people_alone_user user;

    if (people_alone_find(&a->alone, name, &user, why) < 0) {
        (void)admin_failed("%s: %s", name, why);
        return false;
    }
    if (user.kind != 'o' && user.kind != 'b') {
        (void)admin_failed("%s is neither the server's owner nor a script: a person makes their "
                           "own keys, which read what is private to them",
                           name);
        return false;
    }
    a->caller = user.kind == 'o' ? user.id : 0;
    *ret_user = user.id;
    return true;
}

/* Runs the command with a->params; true: the answer is in a->answer. */
static bool admin_run(struct admin *a, enum command_id id, const char *name)
{
    char why[PEOPLE_ALONE_WHY_MAX];

    buf_clear(&a->answer);
    if (a->params.failed) {
        (void)admin_failed("the settings are too long");
        return false;
    }
    if (!a->by_store)
        return admin_post(a, name);
    if (people_alone_run(&a->alone, a->caller, id, &a->params, &a->answer, why) == 0)
        return true;
    (void)admin_failed("%s", why);
    return false;
}

static const char *page_of(const struct conf *c)
{
    return c->page[0] != '\0' ? c->page : c->at[0] != '\0' ? c->at : PAGE;
}

static int admin_recover(struct admin *a)
{
    const char *name = a->conf->admin_word, *page = page_of(a->conf);
    struct json_out o;
    struct str code;

    json_out_init(&o, &a->params);
    json_out_object(&o);
    json_out_field_str(&o, "name", str_of(name));
    json_out_object_end(&o);
    if (!admin_run(a, COMMAND_recover, "recover"))
        return EXIT_FAILURE;
    code = member_of(&a->answer, "code");
    if (code.n == 0)
        return admin_failed("the answer has no code");
    printf("%s/#recover=%.*s\n", page, STR_ARGS(code));
    if (fflush(stdout) != 0)
        return admin_failed("stdout cannot be written");
    (void)fprintf(stderr,
                  "polylog admin: whoever opens this link within a day sets the password of %s "
                  "anew; it works once\n",
                  name);
    return EXIT_SUCCESS;
}

static int admin_key(struct admin *a)
{
    const struct conf *c = a->conf;
    uint64_t user = 0;
    struct json_out o;
    struct str key;

    if (c->key_as[0] != '\0' &&
        !(a->by_store ? find_in_store(a, c->key_as, &user) : find_by_server(a, c->key_as, &user)))
        return EXIT_FAILURE;
    buf_clear(&a->params);
    json_out_init(&o, &a->params);
    json_out_object(&o);
    json_out_field_str(&o, "name", str_of(c->name));
    json_out_field_str(&o, "scope", str_of(c->scope));
    json_out_field_u64(&o, "ttl", c->ttl_ms);
    if (user != 0)
        json_out_field_u64(&o, "user", user);
    json_out_object_end(&o);
    if (!admin_run(a, COMMAND_key_create, "key_create"))
        return EXIT_FAILURE;
    key = member_of(&a->answer, "key");
    if (key.n == 0)
        return admin_failed("the answer has no key");
    printf("%.*s\n", STR_ARGS(key));
    return fflush(stdout) == 0 ? EXIT_SUCCESS : admin_failed("stdout cannot be written");
}

static int admin_do(struct admin *a)
{
    return strcmp(a->conf->admin_action, "recover") == 0 ? admin_recover(a) : admin_key(a);
}

/* NULL: the settings are complete. */
static const char *admin_misused(const struct conf *c)
{
    bool recover = strcmp(c->admin_action, "recover") == 0;
    bool key = strcmp(c->admin_action, "key") == 0;

    if (!recover && !key)
        return "say what: polylog admin recover NAME, or polylog admin key create";
    if (recover && c->admin_word[0] == '\0')
        return "say whose password: polylog admin recover NAME";
    if (key && strcmp(c->admin_word, "create") != 0)
        return "a key can be made: polylog admin key create";
    if (key && c->name[0] == '\0')
        return "say what the key is for: --name backup";
    if (key && c->at[0] == '\0' && c->key_as[0] == '\0')
        return "say whom the key speaks as: --as NAME";
    if (c->at[0] == '\0' && c->store == CONF_STORE_MEM)
        return "what is kept in memory ends with its process: ask the server, by --at";
    return NULL;
}

static int admin_by_server(struct admin *a)
{
    int r;

    if (!bearer_header(a->conf->token, &a->bearer)) {
        (void)admin_failed("the owner's token is needed, in POLYLOG_TOKEN: docs/bots.md says how "
                           "to get it");
        return CONF_EXIT_USAGE;
    }
    r = asker_open(&(struct http_options){0}, &a->asker);
    r = r == 0 ? admin_do(a) : admin_failed("cannot ask: %s", strerror(-r));
    asker_close(&a->asker);
    return r;
}

static int admin_on(struct admin *a, struct io_host *host, struct io *io, struct store *store)
{
    char why[PEOPLE_ALONE_WHY_MAX];
    int code;

    a->by_store = true;
    a->alone = (struct people_alone){.host = host, .io = io, .store = store};
    code = people_alone_open(&a->alone, why) == 0 ? admin_do(a) : admin_failed("%s", why);
    people_alone_close(&a->alone);
    return code;
}

static int admin_by_store(struct admin *a, store_command_open_f *open)
{
    char why[256] = "memory is out", name[4096];
    const struct conf *c = a->conf;
    struct store *store = NULL;
    struct io_host *host;
    struct io *io = NULL;
    int code, r;

    (void)snprintf(name, sizeof(name), "%s%s",
                   c->store == CONF_STORE_SQLITE ? "sqlite:" : "dynamodb",
                   c->store == CONF_STORE_SQLITE ? c->data : "");
    r = host_epoll_new(&host);
    if (r < 0)
        return admin_failed("%s", strerror(-r));
    r = host_io_new(host, &io);
    if (r == 0)
        r = open(c, host, name, true, &store, why);
    if (r == 0)
        code = admin_on(a, host, io, store);
    else if (r == -EEXIST)
        code = admin_failed("%s: stop the server for a moment, or ask it, by --at and the owner's "
                            "token in POLYLOG_TOKEN",
                            why);
    else
        code = admin_failed("%s", why);
    store_close(store);
    if (io != NULL)
        io_free(io);
    host_free(host);
    return code;
}

int admin_command(const struct conf *c, store_command_open_f *open)
{
    const char *wrong = admin_misused(c);
    struct admin a = {.conf = c};
    int code;

    if (wrong != NULL) {
        (void)admin_failed("%s", wrong);
        return CONF_EXIT_USAGE;
    }
    buf_init(&a.bearer, 0);
    buf_init(&a.params, TEXT_MAX);
    buf_init(&a.answer, TEXT_MAX);
    code = c->at[0] != '\0' ? admin_by_server(&a) : admin_by_store(&a, open);
    bearer_wipe(&a.bearer);
    bearer_wipe(&a.answer);
    buf_fini(&a.params);
    return code;
}
