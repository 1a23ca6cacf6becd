#include "conf/conf.h"

#include "base/str.h"
#include "conf/setting.h"

/* Text in which nothing is a request or an escape of troff. */
static void print_text(FILE *f, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", f);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputs("\\e", f);
        else if (*text == '-')
            fputs("\\-", f);
        else
            fputc(*text, f);
    }
}

static void print_commands(FILE *f, const struct setting *s)
{
    bool first = true;

    fputs("Known to", f);
    for (const struct setting_command *c = setting_commands; c->name != NULL; c++) {
        if ((s->commands & c->command) == 0)
            continue;
        fprintf(f, "%s \\fB%s\\fR", first ? "" : ",", c->name);
        first = false;
    }
    fputs(".\n", f);
}

static void print_options(FILE *f, const struct setting *s)
{
    for (size_t i = 0; i < CONF_OPTIONS_N; i++) {
        if (setting_options[i].offset != s->offset)
            continue;
        fputs(".br\n\\fB", f);
        print_text(f, setting_options[i].text);
        fputs("\\fR: ", f);
        print_text(f, setting_options[i].what);
        fputc('\n', f);
    }
}

static void print_setting(FILE *f, const struct setting *s)
{
    char env[SETTING_NAME_MAX], text[160];

    fprintf(f, ".TP\n%s", s->argument ? "\\fI" : "\\fB\\-\\-");
    print_text(f, s->name);
    fputs("\\fR", f);
    if (s->kind == SETTING_BOOL) {
        fputs(", \\fB\\-\\-no\\-", f);
        print_text(f, s->name);
        fputs("\\fR", f);
    } else if (!s->argument) {
        fputs(" \\fI", f);
        print_text(f, setting_placeholder(s, text));
        fputs("\\fR", f);
    }
    fputc('\n', f);
    print_text(f, s->what);
    fputc('\n', f);
    print_options(f, s);
    if (s->kind != SETTING_CHOICE && setting_allowed(s, text)[0] != '\0') {
        fputs("From ", f);
        print_text(f, text);
        fputs(".\n", f);
    }
    if (s->value[0] != '\0') {
        fputs("Default: ", f);
        print_text(f, s->value);
        fputs(".\n", f);
    }
    fprintf(f, "Environment: \\fB%s\\fR.\n", setting_env_name(s, env));
    print_commands(f, s);
}

static void print_head(FILE *f)
{
    fputs(".\\\" Made from src/conf/conf.tbl by `make docs`.\n"
          ".TH POLYLOG 1\n"
          ".SH NAME\n"
          "polylog \\- a real\\-time chat server\n"
          ".SH SYNOPSIS\n",
          f);
    for (const struct setting_command *c = setting_commands; c->name != NULL; c++) {
        fputs(c == setting_commands ? "" : ".br\n", f);
        print_text(f, c->usage);
        fputc('\n', f);
    }
    fputs(".br\npolylog help [COMMAND]\n.br\npolylog version\n.br\npolylog man\n"
          ".SH DESCRIPTION\n"
          "Polylog serves chat rooms over WebSocket and HTTP, with its own web client, and\n"
          "keeps them in one directory. It needs no configuration.\n",
          f);
    for (const struct setting_command *c = setting_commands; c->name != NULL; c++) {
        fprintf(f, ".TP\n\\fB%s\\fR\n", c->name);
        print_text(f, c->what);
        fputc('\n', f);
    }
    fputs(".SH SETTINGS\n"
          "Flags count most, then the environment, then the file\n"
          ".I .env\n"
          "in the working directory, then the default. An empty value in the environment or in\n"
          ".I .env\n"
          "counts as not set. Sizes take k, m or g (1024 times more each); times take ms, s,\n"
          "m, h or d. Lists are separated by commas, and their flags may be given several\n"
          "times.\n",
          f);
}

void conf_man(FILE *f)
{
    print_head(f);
    for (size_t i = 0; i < setting_items_n; i++) {
        if (setting_items[i].group != NULL) {
            fputs(".SS ", f);
            print_text(f, setting_items[i].group);
            fputc('\n', f);
        } else {
            print_setting(f, &setting_all[setting_items[i].id]);
        }
    }
    fputs(".SH FILES\n"
          ".TP\n.I .env\nSettings, as lines NAME=value.\n"
          ".TP\n.I ./data/polylog.db\nThe database; only one process may hold it.\n"
          ".SH EXIT STATUS\n"
          "0 after an orderly end, 64 if a setting is wrong, 1 if anything else failed.\n"
          ".SH SIGNALS\n"
          "SIGUSR1: ask clients to move to other nodes, and go on; SIGUSR2: no more. SIGTERM\n"
          "and SIGINT: with other nodes, the same until drain\\-ms are over; then stop taking\n"
          "connections, close who is left, end. A second one: without waiting for clients.\n"
          "SIGHUP: read the certificate and the issuer's keys again.\n",
          f);
}
