#include "conf/conf.h"

#include "base/str.h"
#include "conf/setting.h"

enum { WIDTH = 79, INDENT = 6 };

/* text in lines of at most WIDTH, each indented. */
static void print_wrapped(FILE *f, const char *text)
{
    struct str rest = str_of(text);
    size_t column = 0;

    while (rest.n > 0) {
        struct str word = str_cut(&rest, ' ');

        if (column > 0 && column + 1 + word.n > WIDTH) {
            fputc('\n', f);
            column = 0;
        }
        fprintf(f, "%*s%.*s", column == 0 ? INDENT : 1, "", STR_ARGS(word));
        column += (column == 0 ? INDENT : 1) + word.n;
    }
    fputc('\n', f);
}

static void print_options(FILE *f, const struct setting *s)
{
    for (size_t i = 0; i < CONF_OPTIONS_N; i++)
        if (setting_options[i].offset == s->offset)
            fprintf(f, "%*s  %-8s %s\n", INDENT, "", setting_options[i].text,
                    setting_options[i].what);
}

static void print_setting(FILE *f, const struct setting *s, enum conf_command command)
{
    const char *otherwise = setting_default(s, command);
    char usage[160], allowed[160], range[180] = "", value[80] = "", text[512];

    if (s->kind == SETTING_BOOL)
        fprintf(f, "  --%s, --no-%s\n", s->name, s->name);
    else
        fprintf(f, "  %s%s %s\n", s->argument ? "" : "--", s->name,
                s->argument ? "" : setting_placeholder(s, usage));
    if (s->kind != SETTING_CHOICE && setting_allowed(s, allowed)[0] != '\0')
        snprintf(range, sizeof(range), " From %s.", allowed);
    if (otherwise[0] != '\0')
        snprintf(value, sizeof(value), " [%s]", otherwise);
    snprintf(text, sizeof(text), "%s%s%s", s->what, range, value);
    print_wrapped(f, text);
    print_options(f, s);
}

static void print_overview(FILE *f)
{
    fputs("polylog: a real-time chat server\n\n", f);
    for (const struct setting_command *c = setting_commands; c->name != NULL; c++) {
        fprintf(f, "  polylog %s\n", c->name);
        print_wrapped(f, c->what);
    }
    fputs("  polylog help [COMMAND]\n"
          "      Says this, or all about a command and its settings.\n"
          "  polylog version\n"
          "      Says which version this is.\n"
          "  polylog man\n"
          "      Prints the manual page.\n"
          "\n"
          "Nothing has to be configured: `polylog serve`, then open http://localhost:8080.\n"
          "What most people set:\n"
          "\n"
          "  polylog serve --listen :8080              for everybody who can reach it\n"
          "  polylog serve --data /var/lib/polylog     kept elsewhere\n"
          "  polylog serve --tls-listen :443 --tls-cert cert.pem --tls-key key.pem\n"
          "  polylog serve --store dynamodb --bus redis://HOST:6379   as one of many\n"
          "\n"
          "Every setting can also be in the environment or in the file .env:\n"
          "--frame-max 64k is POLYLOG_FRAME_MAX=64k. Flags count most, then the\n"
          "environment, then .env. `polylog serve --help` explains them all.\n",
          f);
}

/* What the help of gateway begins with. */
static void print_tutorial(FILE *f)
{
    fputs("The usual tutorial (connect, disconnect, sendmessage, default), as it is:\n"
          "\n"
          "  AWS_ENDPOINT_URL_DYNAMODB=http://localhost:8000 polylog gateway template.yaml\n"
          "\n"
          "with an emulator of DynamoDB on port 8000, and the AWS SDK where node or\n"
          "python3 finds it. Then connect to ws://127.0.0.1:3001/prod.\n"
          "\n",
          f);
}

void conf_help(FILE *f, const char *command)
{
    const struct setting_command *c = setting_command(command);
    const char *group = NULL;

    if (c == NULL) {
        print_overview(f);
        return;
    }
    if (c->command == CONF_GATEWAY)
        print_tutorial(f);
    fprintf(f, "%s\n\n", c->usage);
    print_wrapped(f, c->what);
    for (size_t i = 0; i < setting_items_n; i++) {
        const struct setting_item *item = &setting_items[i];

        if (item->group != NULL) {
            group = item->group;
            continue;
        }
        if ((setting_all[item->id].commands & c->command) == 0)
            continue;
        if (group != NULL)
            fprintf(f, "\n%s\n", group);
        group = NULL;
        print_setting(f, &setting_all[item->id], c->command);
    }
    fputs("\nAs POLYLOG_NAME, with _ for -, each is also read from the environment and from\n"
          "the file .env; flags count most, then the environment, then .env.\n",
          f);
}
