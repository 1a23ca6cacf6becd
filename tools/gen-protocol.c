/* gen-protocol.c: what documents and clients say of commands and errors, from
 * chat/model/commands.tbl and chat/model/errors.tbl, on standard output.
 *
 *     gen-protocol             the TypeScript types
 *     gen-protocol FILE.md     the file, with what is between the lines
 *                              "<!-- commands -->" and "<!-- end -->", and
 *                              likewise of errors, made anew */
#include "base/base.h"

#include <stdio.h>
#include <string.h>

enum row_kind {
    ROW_COMMAND,
    ROW_PARAM,
    ROW_ANSWER,
};

struct row {
    enum row_kind kind;
    const char *name; /* of the command or parameter */
    const char *type; /* of the parameter; who may call the command */
    const char *need; /* of the parameter */
    int cost;
    const char *what;
};

static const struct row rows[] = {
#define COMMAND(name, who, cost, what) {ROW_COMMAND, #name, #who, "", cost, what},
#define PARAM(command, name, type, need, what) {ROW_PARAM, #name, #type, #need, 0, what},
#define ANSWER(command, what) {ROW_ANSWER, #command, "", "", 0, what},
#include "chat/model/commands.tbl"
};

static const struct {
    const char *code;
    int status;
    const char *text;
} errors[] = {
#define ERROR(code, status, text) {#code, status, text},
#include "chat/model/errors.tbl"
};

static const struct {
    const char *name, *ts, *md;
} types[] = {
    {"ROOM", "string", "room id"},
    {"TEXT", "string", "text, 1 to `text-max` characters"},
    {"CID", "string", "string, 1 to 64 bytes"},
    {"SEQ", "number", "seq"},
    {"U64", "number", "integer"},
    {"COUNT", "number", "integer"},
    {"BOOL", "boolean", "boolean"},
    {"NAME", "string", "user name"},
    {"SHORT", "string", "string"},
    {"SECRET", "string", "string"},
    {"TITLE", "string", "string"},
    {"LONG", "string", "text of several lines, or nothing"},
    {"LINES", "string", "up to 8000 bytes, an item a line, or nothing"},
    {"TOKEN", "string", "token"},
    {"EMOJI", "string", "emoji"},
    {"ICON", "string", "emoji, or nothing"},
    {"WHO", "\"members\" | \"moderators\"", "`members` or `moderators`"},
    {"VIEW", "\"messages\" | \"log\"", "`messages` or `log`"},
    {"ROOM_KIND", "\"public\" | \"private\"", "`public` or `private`"},
    {"ROLE", "\"owner\" | \"moderator\" | \"member\" | \"muted\" | \"banned\" | \"none\"", "role"},
    {"EPOCH", "number", "epoch"},
    {"CURSORS", "Record<string, [number, number]>", "cursors"},
};

/* The index of a type; ends the program for one that is not listed above. */
static size_t type_of(const char *name)
{
    for (size_t i = 0; i < COUNTOF(types); i++)
        if (strcmp(types[i].name, name) == 0)
            return i;
    fprintf(stderr, "gen-protocol: no words for the type %s\n", name);
    _Exit(1);
}

static bool has_params(size_t i)
{
    return i + 1 < COUNTOF(rows) && rows[i + 1].kind == ROW_PARAM;
}

/* In a cell of a table. */
static void print_cell(const char *text)
{
    for (; *text != '\0'; text++)
        printf(*text == '|' ? "\\|" : "%c", *text);
}

static void print_command(size_t i)
{
    const struct row *r = &rows[i];

    printf("\n### %s\n\n%s ", r->name, r->what);
    printf("%s", strcmp(r->type, "ANYONE") == 0 ? "Needs no login; " : "Needs a login; ");
    printf("costs %d.%d.\n\n", r->cost / 10, r->cost % 10);
    if (has_params(i))
        puts("| parameter | what it is | |\n|---|---|---|");
}

static void print_commands(void)
{
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        const struct row *r = &rows[i];

        switch (r->kind) {
        case ROW_COMMAND:
            print_command(i);
            break;
        case ROW_PARAM:
            printf("| `%s`%s | %s | ", r->name, strcmp(r->need, "OPTIONAL") == 0 ? "?" : "",
                   types[type_of(r->type)].md);
            print_cell(r->what);
            puts(" |");
            break;
        case ROW_ANSWER:
            if (i > 0 && rows[i - 1].kind == ROW_PARAM)
                putchar('\n');
            if (r->what[0] != '\0')
                printf("Answers `%s`.\n", r->what);
            else
                puts("Answers an empty object.");
            break;
        }
    }
    putchar('\n');
}

static void print_errors(void)
{
    puts("\n| code | HTTP | text |\n|---|---|---|");
    for (size_t i = 0; i < COUNTOF(errors); i++)
        printf("| `%s` | %d | %s |\n", errors[i].code, errors[i].status, errors[i].text);
    putchar('\n');
}

static void print_typescript(void)
{
    puts("// Made from src/chat/model/commands.tbl and errors.tbl by `make docs`.\n\n"
         "// What each command takes.\n"
         "export interface CommandParams {");
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        const struct row *r = &rows[i];

        if (r->kind == ROW_COMMAND && !has_params(i))
            printf("  %s: Record<string, never>;\n", r->name);
        else if (r->kind == ROW_COMMAND)
            printf("  %s: {\n", r->name);
        else if (r->kind == ROW_PARAM)
            printf("    %s%s: %s;\n", r->name, strcmp(r->need, "OPTIONAL") == 0 ? "?" : "",
                   types[type_of(r->type)].ts);
        else if (i > 0 && rows[i - 1].kind == ROW_PARAM)
            puts("  };");
    }
    puts("}\n\n// Every error that the server answers with.\nexport type ErrorCode =");
    for (size_t i = 0; i < COUNTOF(errors); i++)
        printf("  | \"%s\"%s\n", errors[i].code, i + 1 < COUNTOF(errors) ? "" : ";");
}

/* The file with its sections made anew; how many there were. */
static int print_document(FILE *f)
{
    char line[4096];
    bool skip = false;
    int sections = 0;

    while (fgets(line, sizeof(line), f) != NULL) {
        if (strcmp(line, "<!-- end -->\n") == 0)
            skip = false;
        if (!skip)
            fputs(line, stdout);
        if (strcmp(line, "<!-- commands -->\n") == 0)
            print_commands();
        else if (strcmp(line, "<!-- errors -->\n") == 0)
            print_errors();
        else
            continue;
        skip = true;
        sections++;
    }
    return sections;
}

int main(int argc, char **argv)
{
    FILE *f;

    if (argc == 1) {
        print_typescript();
        return fflush(stdout) == 0 ? 0 : 1;
    }
    f = fopen(argv[1], "r");
    if (f == NULL) {
        perror(argv[1]);
        return 1;
    }
    if (print_document(f) != 2) {
        fprintf(stderr, "%s: there must be a section of commands and one of errors\n", argv[1]);
        return 1;
    }
    fclose(f);
    return fflush(stdout) == 0 ? 0 : 1;
}
