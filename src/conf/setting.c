#include "conf/setting.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

enum {
    SERVE = CONF_SERVE,
    ECHO = CONF_ECHO,
    BENCH = CONF_BENCH,
    DRAIN = CONF_DRAIN,
    MIGRATE = CONF_MIGRATE,
    STORE = CONF_STORE,
    TOKEN = CONF_TOKEN,
    TAIL = CONF_TAIL,
    GATEWAY = CONF_GATEWAY,
    LAMBDA = CONF_LAMBDA,
    HEALTH = CONF_HEALTH,
    ADMIN = CONF_ADMIN,
};

const struct setting setting_all[CONF_N] = {
#define GROUP(title)
#define OPTION(field, constant, text, what)
#define SETTING(kind, field, name, commands, value, allowed, what)                      \
    [CONF_ID_##field] = {name,  SETTING_##kind, commands, offsetof(struct conf, field), \
                         value, allowed,        what,     false},
#define ARGUMENT(field, name, commands, value, what)                                          \
    [CONF_ID_##field] = {name, SETTING_STRING, commands, offsetof(struct conf, field), value, \
                         "",   what,           true},
#include "conf/conf.tbl"
#undef OPTION
#undef SETTING
#undef ARGUMENT
};

const struct setting_option setting_options[CONF_OPTIONS_N] = {
#define OPTION(field, constant, text, what) {offsetof(struct conf, field), constant, text, what},
#define SETTING(kind, field, name, commands, value, allowed, what)
#define ARGUMENT(field, name, commands, value, what)
#include "conf/conf.tbl"
#undef GROUP
#undef OPTION
#undef SETTING
#undef ARGUMENT
};

const struct setting_item setting_items[] = {
#define GROUP(title) {title, 0},
#define OPTION(field, constant, text, what)
#define SETTING(kind, field, name, commands, value, allowed, what) {NULL, CONF_ID_##field},
#define ARGUMENT(field, name, commands, value, what) {NULL, CONF_ID_##field},
#include "conf/conf.tbl"
#undef GROUP
#undef OPTION
#undef SETTING
#undef ARGUMENT
};
const size_t setting_items_n = COUNTOF(setting_items);

const struct setting_command setting_commands[] = {
    {"serve", CONF_SERVE, "polylog serve [--SETTING VALUE]...",
     "Serves chat, with the web client, on http://localhost:8080; keeps it in ./data."},
    {"echo", CONF_ECHO, "polylog echo [--SETTING VALUE]...",
     "Sends every WebSocket message back: for tests of clients and of the codec."},
    {"bench", CONF_BENCH, "polylog bench [URL] [--SETTING VALUE]...",
     "Measures a server: deliveries, their delay and their cost."},
    {"drain", CONF_DRAIN, "polylog drain --pid-file FILE [--SETTING VALUE]...",
     "Has a server ask its clients to move to other nodes; --undo takes it back."},
    {"health", CONF_HEALTH, "polylog health [--ready] [--SETTING VALUE]...",
     "Asks a server that runs whether it works, and ends with 0 if so: for health checks."},
    {"migrate", CONF_MIGRATE, "polylog migrate --from STORE --to STORE [--SETTING VALUE]...",
     "Brings everything from one store into another, and compares them: --from sqlite:data --to "
     "dynamodb"},
    {"store", CONF_STORE, "polylog store init|check|adopt|repair [--SETTING VALUE]...",
     "Makes the tables in Amazon DynamoDB that serve needs, or looks at them."},
    {"admin", CONF_ADMIN, "polylog admin recover NAME|key create [--SETTING VALUE]...",
     "Makes a link for a lost password, or an API key: in a store that no server has open, or by a "
     "server that runs."},
    {"token", CONF_TOKEN, "polylog token --name NAME [--ttl TIME] [--SETTING VALUE]...",
     "Prints a token that lasts, for a script or bot; asks a server that runs."},
    {"tail", CONF_TAIL, "polylog tail ROOM [--state FILE] [--since SEQ] [--SETTING VALUE]...",
     "Prints a room's entries as they come, a line of JSON each; comes back by itself."},
    {"gateway", CONF_GATEWAY, "polylog gateway [FILE] [--SETTING VALUE]...",
     "Runs an API Gateway WebSocket API on this machine, with its Lambda functions."},
    {"lambda", CONF_LAMBDA, "polylog lambda [--SETTING VALUE]...",
     "Is the chat as an AWS Lambda function behind an API Gateway WebSocket API."},
    {NULL, 0, NULL, NULL},
};

const struct setting_command *setting_command(const char *name)
{
    if (name == NULL)
        return NULL;
    for (const struct setting_command *c = setting_commands; c->name != NULL; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

const char *setting_default(const struct setting *s, enum conf_command command)
{
    /* Another port than the server's, so that both run side by side. */
    if (command == CONF_GATEWAY && s == &setting_all[CONF_ID_listen])
        return "127.0.0.1:3001";
    /* What serve in the same environment listens at. */
    if (command == CONF_HEALTH && s == &setting_all[CONF_ID_at])
        return "";
    /* It opens the store itself, unless it is told of a server. */
    if (command == CONF_ADMIN && s == &setting_all[CONF_ID_at])
        return "";
    /* A server that has the data may go on having it for long. */
    if (command == CONF_ADMIN && s == &setting_all[CONF_ID_patience_ms])
        return "0";
    /* A suite of conformance sends 4 MiB in frames of 64 bytes. */
    return command == CONF_ECHO && s == &setting_all[CONF_ID_fragments_max] ? "0" : s->value;
}

const char *setting_env_name(const struct setting *s, char text[static SETTING_NAME_MAX])
{
    int n = snprintf(text, SETTING_NAME_MAX, "POLYLOG_%s", s->name);

    assert(n > 0 && n < SETTING_NAME_MAX);
    for (char *c = text; *c != '\0'; c++) {
        if (*c == '-')
            *c = '_';
        else if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    }
    return text;
}

static void *field_of(const struct setting *s, struct conf *c)
{
    return (char *)c + s->offset;
}

static const void *field_of_const(const struct setting *s, const struct conf *c)
{
    return (const char *)c + s->offset;
}

struct unit {
    const char *text;
    uint64_t factor;
};

static const struct unit units_of_size[] = {
    {"", 1}, {"k", 1024}, {"m", 1024 * 1024}, {"g", 1024 * 1024 * 1024}, {NULL, 0}};
static const struct unit units_of_time[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {"y", 365ULL * 86400000},
    {NULL, 0}};
static const struct unit units_of_count[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(const struct setting *s)
{
    if (s->kind == SETTING_SIZE)
        return units_of_size;
    return s->kind == SETTING_TIME ? units_of_time : units_of_count;
}

/* Is a bare number a number of milliseconds? Only where the name says so. */
static bool is_bare_ms(const struct setting *s)
{
    size_t n = strlen(s->name);

    return s->kind == SETTING_TIME && n > 3 && strcmp(s->name + n - 3, "-ms") == 0;
}

enum number {
    NUMBER_OK,
    NUMBER_BAD,
    NUMBER_NO_UNIT,
    NUMBER_TOO_BIG,
};

static enum number parse_number(const struct setting *s, struct str text, uint64_t *ret_v)
{
    struct str digits = text, unit;
    uint64_t v;

    digits.n = 0;
    while (digits.n < text.n && text.p[digits.n] >= '0' && text.p[digits.n] <= '9')
        digits.n++;
    unit = str_skip(text, digits.n);
    if (digits.n == 0)
        return NUMBER_BAD;
    if (!str_to_u64(digits, &v))
        return NUMBER_TOO_BIG;
    if (unit.n == 0 && (v == 0 || is_bare_ms(s))) {
        *ret_v = v;
        return NUMBER_OK;
    }
    for (const struct unit *u = units_of(s); u->text != NULL; u++) {
        if (!str_eq_nocase(unit, str_of(u->text)))
            continue;
        return __builtin_mul_overflow(v, u->factor, ret_v) ? NUMBER_TOO_BIG : NUMBER_OK;
    }
    return unit.n == 0 ? NUMBER_NO_UNIT : NUMBER_BAD;
}

struct range {
    struct str least_text, most_text;
    uint64_t least, most;
    bool zero; /* is allowed besides, and means: no limit */
};

/* "0|least..most" of the table. */
static struct range range_of(const struct setting *s)
{
    struct range r = {0};
    struct str rest = str_of(s->allowed);

    r.zero = str_starts(rest, STR("0|"));
    if (r.zero)
        rest = str_skip(rest, 2);
    r.least_text = str_cut(&rest, '.');
    assert(rest.n > 1 && rest.p[0] == '.');
    r.most_text = str_skip(rest, 1);
    if (parse_number(s, r.least_text, &r.least) != NUMBER_OK ||
        parse_number(s, r.most_text, &r.most) != NUMBER_OK)
        abort();
    return r;
}

const char *setting_allowed(const struct setting *s, char text[static 160])
{
    struct range r;
    int n = 0;

    text[0] = '\0';
    if (s->kind == SETTING_CHOICE) {
        for (size_t i = 0; i < CONF_OPTIONS_N; i++)
            if (setting_options[i].offset == s->offset && n >= 0 && n < 160)
                n += snprintf(text + n, 160 - (size_t)n, "%s%s", n > 0 ? ", " : "",
                              setting_options[i].text);
        return text;
    }
    if (s->kind != SETTING_COUNT && s->kind != SETTING_SIZE && s->kind != SETTING_TIME)
        return text;
    r = range_of(s);
    snprintf(text, 160, "%.*s to %.*s%s", STR_ARGS(r.least_text), STR_ARGS(r.most_text),
             r.zero ? ", or 0: no limit" : "");
    return text;
}

const char *setting_placeholder(const struct setting *s, char text[static 160])
{
    static const char *const words[] = {
        [SETTING_STRING] = "TEXT", [SETTING_PATH] = "PATH", [SETTING_SECRET] = "TEXT",
        [SETTING_LIST] = "LIST",   [SETTING_BOOL] = "",     [SETTING_COUNT] = "N",
        [SETTING_SIZE] = "SIZE",   [SETTING_TIME] = "TIME",
    };
    bool number = s->kind == SETTING_COUNT || s->kind == SETTING_SIZE || s->kind == SETTING_TIME;

    if (s->kind == SETTING_CHOICE) {
        setting_allowed(s, text);
        for (char *c = text, *to = text;; c++) {
            if (*c != ' ')
                *to++ = *c == ',' ? '|' : *c;
            if (*c == '\0')
                break;
        }
        return text;
    }
    snprintf(text, 160, "%s", !number && s->allowed[0] != '\0' ? s->allowed : words[s->kind]);
    return text;
}

static bool parse_u64(const struct setting *s, struct conf *c, const char *text,
                      char why[static 160])
{
    struct range r = range_of(s);
    char allowed[160];
    const char *wrong = "is not allowed";
    uint64_t v = 0;

    switch (parse_number(s, str_of(text), &v)) {
    case NUMBER_OK:
        if ((v == 0 && r.zero) || (v >= r.least && v <= r.most)) {
            *(uint64_t *)field_of(s, c) = v;
            return true;
        }
        wrong = v < r.least ? "is too small" : "is too large";
        break;
    case NUMBER_TOO_BIG:
        wrong = "is too large";
        break;
    case NUMBER_NO_UNIT:
        wrong = "needs a unit (ms, s, m, h, d)";
        break;
    case NUMBER_BAD:
        wrong = s->kind == SETTING_COUNT  ? "is not a number"
                : s->kind == SETTING_SIZE ? "is not a size such as 64k"
                                          : "is not a time such as 10s";
        break;
    }
    snprintf(why, 160, "\"%.32s\" %s; allowed: %s", text, wrong, setting_allowed(s, allowed));
    return false;
}

static bool parse_bool(const struct setting *s, struct conf *c, const char *text,
                       char why[static 160])
{
    static const char *const words[] = {"true", "yes", "on", "1", "false", "no", "off", "0"};

    for (size_t i = 0; i < COUNTOF(words); i++) {
        if (str_eq_nocase(str_of(text), str_of(words[i]))) {
            *(bool *)field_of(s, c) = i < 4;
            return true;
        }
    }
    snprintf(why, 160, "\"%.32s\" is not allowed; allowed: true or false", text);
    return false;
}

static bool parse_choice(const struct setting *s, struct conf *c, const char *text,
                         char why[static 160])
{
    char allowed[160];

    for (size_t i = 0; i < CONF_OPTIONS_N; i++) {
        if (setting_options[i].offset == s->offset && strcmp(setting_options[i].text, text) == 0) {
            *(enum conf_option *)field_of(s, c) = setting_options[i].value;
            return true;
        }
    }
    snprintf(why, 160, "\"%.32s\" is not allowed; allowed: %.96s", text,
             setting_allowed(s, allowed));
    return false;
}

static void free_list(struct conf_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i]);
    free(l->items);
    l->items = NULL;
    l->n = 0;
}

bool setting_parse_more(const struct setting *s, struct conf *c, const char *text,
                        char why[static 160])
{
    struct conf_list *l = field_of(s, c);
    struct str rest = str_of(text);

    assert(s->kind == SETTING_LIST);
    (void)why;
    while (rest.n > 0) {
        struct str item = str_trim(str_cut(&rest, ','));
        char **items;

        if (item.n == 0)
            continue;
        items = mem_resize(l->items, (l->n + 1) * sizeof(*items));
        l->items = items;
        l->items[l->n++] = str_dup(item);
    }
    return true;
}

static bool parse_text(const struct setting *s, struct conf *c, const char *text,
                       char why[static 160])
{
    if (s->kind == SETTING_PATH && text[0] == '\0' && s->value[0] != '\0') {
        snprintf(why, 160, "must not be empty");
        return false;
    }
    setting_fini(s, c);
    *(char **)field_of(s, c) = str_dup(str_of(text));
    return true;
}

bool setting_parse(const struct setting *s, struct conf *c, const char *text, char why[static 160])
{
    switch (s->kind) {
    case SETTING_STRING:
    case SETTING_PATH:
    case SETTING_SECRET:
        return parse_text(s, c, text, why);
    case SETTING_LIST:
        free_list(field_of(s, c));
        return setting_parse_more(s, c, text, why);
    case SETTING_BOOL:
        return parse_bool(s, c, text, why);
    case SETTING_COUNT:
    case SETTING_SIZE:
    case SETTING_TIME:
        return parse_u64(s, c, text, why);
    case SETTING_CHOICE:
        return parse_choice(s, c, text, why);
    }
    abort();
}

void setting_fini(const struct setting *s, struct conf *c)
{
    char **text = field_of(s, c);

    if (s->kind == SETTING_LIST)
        free_list(field_of(s, c));
    if (s->kind != SETTING_STRING && s->kind != SETTING_PATH && s->kind != SETTING_SECRET)
        return;
    if (s->kind == SETTING_SECRET && *text != NULL)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

/* In the largest unit that divides it. */
static void print_number(const struct setting *s, uint64_t v, FILE *f)
{
    const struct unit *best = NULL;

    for (const struct unit *u = units_of(s); u->text != NULL; u++)
        if (best == NULL || v % u->factor == 0)
            best = u;
    if (v == 0)
        fputs("0", f);
    else
        fprintf(f, "%lu%s", (unsigned long)(v / best->factor), best->text);
}

static void print_list(const struct conf_list *l, FILE *f)
{
    for (size_t i = 0; i < l->n; i++)
        fprintf(f, "%s%s", i > 0 ? "," : "", l->items[i]);
}

void setting_print(const struct setting *s, const struct conf *c, FILE *f)
{
    const void *field = field_of_const(s, c);

    switch (s->kind) {
    case SETTING_STRING:
    case SETTING_PATH:
        fputs(*(char *const *)field, f);
        break;
    case SETTING_SECRET:
        fputs(**(char *const *)field != '\0' ? "(set)" : "", f);
        break;
    case SETTING_LIST:
        print_list(field, f);
        break;
    case SETTING_BOOL:
        fputs(*(const bool *)field ? "true" : "false", f);
        break;
    case SETTING_COUNT:
    case SETTING_SIZE:
    case SETTING_TIME:
        print_number(s, *(const uint64_t *)field, f);
        break;
    case SETTING_CHOICE:
        fputs(setting_options[*(const enum conf_option *)field].text, f);
        break;
    }
}
