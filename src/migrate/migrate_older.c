#include "migrate/migrate_older.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

/* What a terminal would act upon is left out. */
static void say_unfit(void *ctx, const char *table, struct str row, const char *code,
                      const char *what)
{
    struct migrate_older *m = ctx;
    char text[200];

    if (++m->told > MIGRATE_OLDER_SAID)
        return;
    (void)snprintf(text, sizeof(text), "%.*s", (int)MIN(row.n, sizeof(text) - 1),
                   (const char *)row.p);
    for (char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    (void)fprintf(stderr, "polylog migrate: %s: %s%s'%s' %s\n", code, table,
                  table[0] != '\0' ? ": " : "", text, what);
    if (m->told == MIGRATE_OLDER_SAID)
        (void)fprintf(stderr, "polylog migrate: what follows is counted only\n");
}

bool migrate_older_begin(struct migrate_older *m, const struct conf *c, struct io *io,
                         struct store *tables, char ret_why[static 256])
{
    struct older_options o = {
        .io = io,
        .tables = tables,
        .room = c->older_room,
        .make_names = c->make_names,
        .skip_unfit = c->skip_unfit,
        .told = say_unfit,
        .ctx = m,
    };
    int r;

    if (!older_form_parse(c->from, c->older_fields, &o.form, ret_why))
        return false;
    r = older_new(&o, &m->older);
    if (r < 0)
        (void)snprintf(ret_why, 256, "no temporary file can be made: %s", strerrordesc_np(-r));
    return r == 0;
}

void migrate_older_show(const struct migrate_older *m, size_t n, char ret_line[])
{
    const struct older_progress *p = older_progress(m->older);
    char rows[STR_GROUPED_N], all[STR_GROUPED_N];

    if (p->all == 0)
        (void)snprintf(ret_line, n, "%s %.100s: %s rows", p->step, p->table,
                       str_grouped(p->rows, rows));
    else
        (void)snprintf(ret_line, n, "%s%s%.100s: %s of %s rows (%u %%)", p->step,
                       p->table[0] != '\0' ? " " : "", p->table, str_grouped(p->rows, rows),
                       str_grouped(p->all, all), (unsigned)(MIN(p->rows, p->all) * 100 / p->all));
}

void migrate_older_say(const struct migrate_older *m, const struct conf *c)
{
    const struct older_progress *p = older_progress(m->older);
    char rows[STR_GROUPED_N], unfit[STR_GROUPED_N], people[STR_GROUPED_N];
    struct older_form form;
    char why[256];

    if (!older_form_parse(c->from, c->older_fields, &form, why))
        return;
    for (unsigned i = 0; i < OLDER_TABLES_N; i++) {
        if (form.tables[i][0] == '\0')
            continue;
        (void)printf("%s: %s rows, %s of them left out\n", form.tables[i],
                     str_grouped(p->read[i], rows), str_grouped(p->unfit[i], unfit));
    }
    (void)printf("%s messages of %s people in %s rooms\n", str_grouped(p->messages, rows),
                 str_grouped(p->people, people), str_grouped(p->rooms, unfit));
}
