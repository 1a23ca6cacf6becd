#include "conf/conf.h"

#include "base/buf.h"
#include "base/str.h"
#include "conf/dotenv.h"
#include "conf/setting.h"

#include <stdlib.h>

#define CALLBACK_MAX 512

enum conf_source {
    SOURCE_DEFAULT,
    SOURCE_DOTENV,
    SOURCE_ENV,
    SOURCE_FLAG,
};

static void name_source(const struct setting *s, enum conf_source source, char text[static 80])
{
    char env[SETTING_NAME_MAX];

    switch (source) {
    case SOURCE_DEFAULT:
        snprintf(text, 80, "the default of %s", s->name);
        break;
    case SOURCE_DOTENV:
        snprintf(text, 80, "%s in .env", setting_env_name(s, env));
        break;
    case SOURCE_ENV:
        snprintf(text, 80, "%s", setting_env_name(s, env));
        break;
    case SOURCE_FLAG:
        snprintf(text, 80, "%s%s", s->argument ? "" : "--", s->name);
        break;
    }
}

/* A LIST given again by the same source grows; a stronger source replaces it. */
static bool set(struct conf *c, const struct setting *s, const char *value, enum conf_source source,
                char why[static 256])
{
    size_t id = (size_t)(s - setting_all);
    char reason[160] = "", where[80];
    bool again = c->source[id] == source && source == SOURCE_FLAG;
    bool ok = s->kind == SETTING_LIST && again ? setting_parse_more(s, c, value, reason)
                                               : setting_parse(s, c, value, reason);

    if (ok) {
        c->source[id] = (uint8_t)source;
        return true;
    }
    name_source(s, source, where);
    snprintf(why, 256, "%s: %s", where, reason);
    return false;
}

static const struct setting *find(struct str name)
{
    for (size_t i = 0; i < CONF_N; i++)
        if (!setting_all[i].argument && str_eq(str_of(setting_all[i].name), name))
            return &setting_all[i];
    return NULL;
}

/* The command's argument that stands behind `before` others; NULL: it has no more. */
static const struct setting *find_argument(enum conf_command command, unsigned before)
{
    for (size_t i = 0; i < CONF_N; i++)
        if (setting_all[i].argument && (setting_all[i].commands & command) != 0 && before-- == 0)
            return &setting_all[i];
    return NULL;
}

static const struct setting *find_env(struct str name)
{
    char env[SETTING_NAME_MAX];

    for (size_t i = 0; i < CONF_N; i++)
        if (str_eq(str_of(setting_env_name(&setting_all[i], env)), name))
            return &setting_all[i];
    return NULL;
}

static bool load_defaults(struct conf *c, char why[static 256])
{
    for (size_t i = 0; i < CONF_N; i++)
        if (!set(c, &setting_all[i], setting_default(&setting_all[i], c->command), SOURCE_DEFAULT,
                 why))
            return false;
    return true;
}

static bool load_dotenv(struct conf *c, struct str text, char why[static 256])
{
    struct dotenv d;
    struct str name;

    dotenv_init(&d, text);
    while (dotenv_next(&d, &name)) {
        const struct setting *s = find_env(name);

        if (!str_starts(name, STR("POLYLOG_")))
            continue;
        if (s == NULL) {
            snprintf(why, 256, ".env line %u: there is no setting %.*s", d.line,
                     (int)MIN(name.n, (size_t)64), (const char *)name.p);
            return false;
        }
        if ((s->commands & c->command) == 0 || d.value[0] == '\0')
            continue;
        if (!set(c, s, d.value, SOURCE_DOTENV, why))
            return false;
    }
    if (d.error != NULL)
        snprintf(why, 256, ".env line %u: %s", d.line, d.error);
    explicit_bzero(d.value, sizeof(d.value));
    return d.error == NULL;
}

/* Kubernetes sets these for a service of that name. */
static bool is_of_a_service(struct str name)
{
    return str_starts(name, STR("POLYLOG_PORT")) || str_starts(name, STR("POLYLOG_SERVICE_"));
}

/* An unknown name is no error, for another release may know it; the first is told. */
static bool load_env(struct conf *c, char *const *env, char why[static 256])
{
    for (; env != NULL && *env != NULL; env++) {
        struct str rest = str_of(*env);
        struct str name = str_cut(&rest, '=');
        const struct setting *s;

        if (!str_starts(name, STR("POLYLOG_")) || rest.n == 0)
            continue;
        s = find_env(name);
        if (s == NULL && !is_of_a_service(name) && c->unknown[0] == '\0')
            (void)snprintf(c->unknown, sizeof(c->unknown), "%.*s", STR_ARGS(name));
        if (s == NULL || (s->commands & c->command) == 0)
            continue;
        if (!set(c, s, (const char *)rest.p, SOURCE_ENV, why))
            return false;
    }
    return true;
}

/* How many letters must change, be added or go: at most 3 is told exactly. */
static unsigned distance(struct str a, struct str b)
{
    unsigned row[SETTING_NAME_MAX + 1];

    if (a.n >= SETTING_NAME_MAX || b.n >= SETTING_NAME_MAX)
        return SETTING_NAME_MAX;
    for (unsigned j = 0; j <= b.n; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.n; i++) {
        unsigned before = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= b.n; j++) {
            unsigned change = before + (a.p[i - 1] != b.p[j - 1]);

            before = row[j];
            row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.n];
}

static void say_unknown(const struct conf *c, struct str name, const char *command,
                        char why[static 256])
{
    const struct setting *s = find(name), *near = NULL;
    unsigned least = 3;
    int n = (int)MIN(name.n, (size_t)64);

    if (s != NULL) {
        snprintf(why, 256, "--%s is not a setting of polylog %s", s->name, command);
        return;
    }
    for (size_t i = 0; i < CONF_N; i++) {
        unsigned d = distance(name, str_of(setting_all[i].name));

        if (d < least && (setting_all[i].commands & c->command) != 0) {
            least = d;
            near = &setting_all[i];
        }
    }
    if (near != NULL)
        snprintf(why, 256, "there is no --%.*s; did you mean --%s?", n, (const char *)name.p,
                 near->name);
    else
        snprintf(why, 256, "there is no --%.*s; `polylog %s --help` lists what there is", n,
                 (const char *)name.p, command);
}

/* One flag, or one flag and the argument that is its value: *i moves on. */
static bool load_flag(struct conf *c, const struct conf_input *in, int *i, char why[static 256])
{
    struct str value = str_of(in->argv[*i] + 2);
    bool has_value = strchr(in->argv[*i], '=') != NULL;
    struct str name = str_cut(&value, '=');
    const struct setting *s = find(name);

    if (s == NULL && !has_value && str_starts(name, STR("no-"))) {
        s = find(str_skip(name, 3));
        if (s != NULL && s->kind == SETTING_BOOL && (s->commands & c->command) != 0)
            return set(c, s, "false", SOURCE_FLAG, why);
        s = NULL;
    }
    if (s == NULL || (s->commands & c->command) == 0) {
        say_unknown(c, name, in->command, why);
        return false;
    }
    if (has_value)
        return set(c, s, (const char *)value.p, SOURCE_FLAG, why);
    if (s->kind == SETTING_BOOL)
        return set(c, s, "true", SOURCE_FLAG, why);
    if (*i + 1 >= in->argc || strncmp(in->argv[*i + 1], "--", 2) == 0) {
        char text[160];

        snprintf(why, 256, "--%s needs a value: --%s %.100s", s->name, s->name,
                 setting_placeholder(s, text));
        return false;
    }
    return set(c, s, in->argv[++*i], SOURCE_FLAG, why);
}

static bool load_flags(struct conf *c, const struct conf_input *in, char why[static 256])
{
    const struct setting *argument;
    unsigned taken = 0;

    for (int i = 0; i < in->argc; i++) {
        if (strncmp(in->argv[i], "--", 2) == 0 && in->argv[i][2] != '\0') {
            if (!load_flag(c, in, &i, why))
                return false;
            continue;
        }
        argument = find_argument(c->command, taken++);
        if (argument == NULL || in->argv[i][0] == '-') {
            snprintf(why, 256, "polylog %s does not know what \"%.64s\" is for", in->command,
                     in->argv[i]);
            return false;
        }
        if (!set(c, argument, in->argv[i], SOURCE_FLAG, why))
            return false;
    }
    return true;
}

/* "/gw": a path, not the root, without a slash at its end. */
static bool is_below_root(const char *path)
{
    size_t n = strlen(path);

    return n > 1 && path[0] == '/' && path[n - 1] != '/';
}

static bool is_callback(const char *url)
{
    size_t n = strlen(url);

    return (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0) && n > 8 &&
           n < CALLBACK_MAX && url[n - 1] != '/' && strcspn(url, " ?#") == n;
}

static bool is_cloudwatch_name(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < n; i++)
        if (name[i] < ' ' || name[i] > '~')
            return false;
    return n > 0 && n <= 250;
}

/* What no single setting shows. */
static bool is_login(const struct conf *c)
{
    for (size_t i = 0; i < c->login.n; i++)
        if (strcmp(c->login.items[i], "password") != 0 &&
            strcmp(c->login.items[i], "passkey") != 0 && strcmp(c->login.items[i], "name") != 0)
            return false;
    return c->login.n > 0 || c->issuer[0] != '\0';
}

/* A name of DNS that browsers take for a passkey's: with a dot, or localhost; no address. */
static bool is_domain(const char *name)
{
    const char *last = strrchr(name, '.');
    size_t n = strlen(name);

    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != n || n > 253)
        return false;
    if (name[0] == '.' || name[n - 1] == '.' || strstr(name, "..") != NULL)
        return false;
    if (last == NULL)
        return strcmp(name, "localhost") == 0;
    return strspn(last + 1, "0123456789") != strlen(last + 1);
}

bool conf_logs_in(const struct conf *c, const char *way)
{
    for (size_t i = 0; i < c->login.n; i++)
        if (strcmp(c->login.items[i], way) == 0)
            return true;
    return false;
}

static bool conf_check(const struct conf *c, char why[static 256])
{
    const char *wrong = NULL;

    if ((c->tls_cert[0] != '\0') != (c->tls_key[0] != '\0'))
        wrong = "tls-cert and tls-key must be given together";
    else if (c->tls_listen.n > 0 && c->tls_cert[0] == '\0')
        wrong = "tls-listen needs tls-cert and tls-key";
    else if (c->tls_cert[0] != '\0' && c->tls_listen.n == 0)
        wrong = "tls-cert needs tls-listen: where HTTPS is served";
    else if (c->tls_ticket_key[0] != '\0' && c->tls_cert[0] == '\0')
        wrong = "tls-ticket-key needs tls-listen";
    else if (c->listen.n == 0 && c->tls_listen.n == 0)
        wrong = "listen is empty: there is nowhere to listen";
    else if (c->token_secret[0] != '\0' && strlen(c->token_secret) < 32)
        wrong = "token-secret is too short; allowed: at least 32 characters";
    else if (c->token_key_old.n > 0 && c->token_key[0] == '\0')
        wrong = "token-key-old needs token-key: the key that signs now";
    else if (c->issuer[0] != '\0' && c->audience.n == 0)
        wrong = "issuer needs audience: whose tokens of the issuer are meant for this chat";
    else if (!is_login(c))
        wrong = "login names ways to log in: password, passkey, name, or several with commas "
                "between";
    else if (c->passkey_rp[0] != '\0' && !is_domain(c->passkey_rp))
        wrong = "passkey-rp is a domain in lower case, such as example.org: no address, no port";
    else if (c->issuer[0] == '\0' && (c->audience.n > 0 || c->issuer_client[0] != '\0' ||
                                      c->jwks[0] != '\0' || c->issuer_ca[0] != '\0'))
        wrong = "audience, issuer-client, jwks and issuer-ca need issuer";
    else if (c->gw_path[0] == '\0' &&
             (c->gw_secret[0] != '\0' || c->gw_secret_old[0] != '\0' || c->gw_callback[0] != '\0'))
        wrong = "gateway-secret, gateway-secret-old and gateway-callback need gateway-path";
    else if (c->gw_path[0] != '\0' && !is_below_root(c->gw_path))
        wrong = "gateway-path must begin with / and have something behind that, such as /gw";
    else if (c->gw_path[0] != '\0' && strlen(c->gw_secret) < 32)
        wrong = "gateway-path needs gateway-secret, at least 32 characters: what API Gateway sends "
                "as X-Ws-Secret";
    else if (c->traces[0] != '\0' && strncmp(c->traces, "http://", 7) != 0 &&
             strncmp(c->traces, "https://", 8) != 0)
        wrong = "traces must be a URL such as http://127.0.0.1:4318/v1/traces";
    else if (!is_cloudwatch_name(c->metrics_namespace) || !is_cloudwatch_name(c->metrics_service))
        wrong = "metrics-namespace and metrics-service have 1 to 250 printable characters of ASCII";
    else if (c->gw_secret_old[0] != '\0' && strlen(c->gw_secret_old) < 32)
        wrong = "gateway-secret-old is too short; allowed: at least 32 characters";
    else if (c->gw_callback[0] != '\0' && !is_callback(c->gw_callback))
        wrong = "gateway-callback must be a URL without a slash at its end, such as "
                "https://abc.execute-api.eu-central-1.amazonaws.com/prod";
    else if (c->dead_after_ms > 0 && c->dead_after_ms <= c->ping_interval_ms)
        wrong = "dead-after must be longer than ping-interval";
    else
        return true;
    snprintf(why, 256, "%s", wrong);
    return false;
}

static bool wants_help(const struct conf_input *in)
{
    for (int i = 0; i < in->argc; i++)
        if (strcmp(in->argv[i], "--help") == 0 || strcmp(in->argv[i], "-h") == 0)
            return true;
    return false;
}

enum conf_result conf_load(struct conf *c, const struct conf_input *in, char why[static 256])
{
    const struct setting_command *command = setting_command(in->command);

    memset(c, 0, sizeof(*c));
    if (command == NULL) {
        snprintf(why, 256, "there is no command \"%.64s\"; `polylog --help` lists them",
                 in->command != NULL ? in->command : "");
        return CONF_BAD;
    }
    c->command = command->command;
    if (wants_help(in))
        return CONF_HELP;
    if (load_defaults(c, why) && load_dotenv(c, in->dotenv, why) && load_env(c, in->env, why) &&
        load_flags(c, in, why) && conf_check(c, why))
        return CONF_OK;
    conf_fini(c);
    return CONF_BAD;
}

void conf_fini(struct conf *c)
{
    for (size_t i = 0; i < CONF_N; i++)
        setting_fini(&setting_all[i], c);
}

bool conf_is_given(const struct conf *c, enum conf_id id)
{
    return c->source[id] != SOURCE_DEFAULT;
}

const char *conf_where(const struct conf *c, enum conf_id id, char text[static 80])
{
    name_source(&setting_all[id], (enum conf_source)c->source[id], text);
    return text;
}

void conf_given(const struct conf *c, struct buf *b)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    if (f == NULL)
        return;
    for (size_t i = 0; i < CONF_N; i++) {
        if (c->source[i] == SOURCE_DEFAULT || (setting_all[i].commands & c->command) == 0)
            continue;
        fprintf(f, "%s%s=", ftell(f) > 0 ? " " : "", setting_all[i].name);
        setting_print(&setting_all[i], c, f);
    }
    (void)fclose(f);
    buf_append(b, (struct str){(const uint8_t *)text, n});
    free(text);
}

void conf_dump(const struct conf *c, FILE *f)
{
    for (size_t i = 0; i < CONF_N; i++) {
        char where[80];

        if ((setting_all[i].commands & c->command) == 0)
            continue;
        fprintf(f, "%s = ", setting_all[i].name);
        setting_print(&setting_all[i], c, f);
        fprintf(f, "  (%s)\n", conf_where(c, (enum conf_id)i, where));
    }
}
