#include "older/older.h"

#include "base/mem.h"
#include "base/siphash.h"
#include "base/str.h"
#include "older/older_row.h"
#include "older/older_shelf.h"
#include "store/store_dynamodb_scan.h"

#include <stdio.h>
#include <stdlib.h>

enum older_phase { READING, ORDERING, READY, RECHECKING };

/* What a table has, whatever the order of its rows. */
struct table_sum {
    uint64_t rows, sum;
};

struct older {
    struct older_options o;
    struct older_progress progress;
    struct older_shelf *shelf;
    enum older_phase phase;
    bool stopped, ended, numbered;
    enum older_code code;
    char why[768];

    unsigned table; /* that is being read */
    const char *names[OLDER_FORM_NAMES_MAX];
    struct store_dynamodb_scan scan;
    struct frame *cursor;
    struct table_sum sums[OLDER_TABLES_N], now;
};

static const char *const code_texts[] = {
    [OLDER_OK] = "ok",
    [OLDER_INTERRUPTED] = "interrupted",
    [OLDER_SOURCE_FAILED] = "source_failed",
    [OLDER_SCRATCH_FAILED] = "scratch_failed",
    [OLDER_ROWS_UNFIT] = "rows_unfit",
    [OLDER_NAMES_UNFIT] = "names_unfit",
    [OLDER_SOURCE_MOVED] = "source_moved",
};

static void read_table(struct older *o);

static const char *table_name(const struct older *o)
{
    return o->o.form.tables[o->table];
}

/* The first is the one that is reported. */
static void older_fail(struct older *o, enum older_code code, const char *table, const char *what)
{
    if (o->ended)
        return;
    o->ended = true;
    o->code = code;
    (void)snprintf(o->why, sizeof(o->why), "%s%s%s", table, table[0] != '\0' ? ": " : "", what);
}

static bool shelf_failed(struct older *o)
{
    const char *why = older_shelf_failed(o->shelf);

    if (why != NULL)
        older_fail(o, OLDER_SCRATCH_FAILED, "", why);
    return why != NULL;
}

/* --- Reading. --- */

/* The row as a number: the sum of these is the table's, in whatever order its rows and their
 * attributes come. */
static uint64_t sum_of(const struct dynamo_item *item)
{
    static const uint8_t key[16] = {1};
    uint64_t sum = 0;

    for (unsigned i = 0; i < item->n; i++) {
        const struct dynamo_attr *a = &item->attrs[i];
        uint64_t part[3] = {siphash(key, a->name), siphash(key, a->value), a->type};

        sum += siphash(key, (struct str){(const uint8_t *)part, sizeof(part)});
    }
    return siphash(key, (struct str){(const uint8_t *)&sum, sizeof(sum)});
}

static void tell(struct older *o, const char *table, struct str row, const char *code,
                 const char *what)
{
    if (o->o.told != NULL)
        o->o.told(o->o.ctx, table, row, code, what);
}

static void take_item(void *ctx, const struct dynamo_item *item)
{
    struct older *o = ctx;
    enum older_reason reason;
    char label[300];

    o->now.rows++;
    o->now.sum += sum_of(item);
    o->progress.rows++;
    if (o->phase != READING)
        return;
    o->progress.read[o->table]++;
    reason = older_row_put(o->shelf, &o->o.form, (enum older_table)o->table, item, o->o.room);
    if (reason == OLDER_FITS)
        return;
    o->progress.unfit[o->table]++;
    older_row_label(&o->o.form, item, sizeof(label), label);
    tell(o, table_name(o), str_of(label), older_row_code(reason), older_row_what(reason));
}

static void begin_ordering(struct older *o)
{
    uint64_t unfit = 0;
    char what[200];

    for (unsigned i = 0; i < OLDER_TABLES_N; i++)
        unfit += o->progress.unfit[i];
    if (unfit > 0 && !o->o.skip_unfit) {
        (void)snprintf(what, sizeof(what),
                       "%llu rows are not of the form %s: --older-fields says what attributes are "
                       "called, --skip-unfit leaves such rows out",
                       (unsigned long long)unfit, o->o.form.name);
        older_fail(o, OLDER_ROWS_UNFIT, "", what);
        return;
    }
    o->phase = ORDERING;
    o->progress.step = "putting in order";
    o->progress.table = "";
    o->progress.rows = 0;
    o->progress.all = older_shelf_counts(o->shelf).messages;
}

/* The table was read to its end. */
static void table_read(struct older *o)
{
    if (o->phase == READING) {
        o->sums[o->table] = o->now;
    } else if (o->now.rows != o->sums[o->table].rows || o->now.sum != o->sums[o->table].sum) {
        older_fail(o, OLDER_SOURCE_MOVED, table_name(o),
                   "it was written to while it was brought over: stop the older system, and begin "
                   "with an empty target");
        return;
    }
    o->table++;
    read_table(o);
}

static void page_read(struct store_req *req)
{
    struct store_dynamodb_scan *scan = CONTAINER_OF(req, struct store_dynamodb_scan, req);
    struct older *o = CONTAINER_OF(scan, struct older, scan);

    frame_unref(o->cursor);
    o->cursor = scan->ret_next;
    if (req->result != STORE_OK)
        older_fail(o, OLDER_SOURCE_FAILED, table_name(o), scan->ret_why);
    else if (o->stopped)
        older_fail(o, OLDER_INTERRUPTED, "", "the same command begins again, and finds its work");
    else if (shelf_failed(o))
        return;
    else if (o->cursor == NULL)
        table_read(o);
    else
        read_table(o);
}

/* Its next page; without one, what comes behind the tables. */
static void read_table(struct older *o)
{
    while (o->table < OLDER_TABLES_N && table_name(o)[0] == '\0')
        o->table++;
    if (o->table == OLDER_TABLES_N) {
        if (o->phase == READING)
            begin_ordering(o);
        else
            o->ended = true;
        return;
    }
    if (o->cursor == NULL) {
        o->now = (struct table_sum){0};
        o->progress.table = table_name(o);
        o->progress.rows = 0;
        o->progress.all = o->phase == READING ? 0 : o->sums[o->table].rows;
    }
    o->scan = (struct store_dynamodb_scan){
        .req = {.home = o->o.io, .done = page_read},
        .table = table_name(o),
        .names = o->names,
        .start = o->cursor,
        .item = take_item,
        .ctx = o,
    };
    o->scan.names_n = older_form_names(&o->o.form, (enum older_table)o->table, o->names);
    store_dynamodb_scan(o->o.tables, &o->scan);
}

/* --- Putting in order. --- */

static void name_unfit(void *ctx, struct str name, const char *code)
{
    tell(ctx, "", name, code,
         strcmp(code, "name_twice") == 0 ? "is another's name but for case"
                                         : "is no name that a person can have");
}

static void order_people(struct older *o)
{
    uint64_t unfit = older_shelf_arrange_people(o->shelf, o->o.make_names, name_unfit, o);
    char what[200];

    o->numbered = true;
    o->progress.people = older_shelf_counts(o->shelf).people;
    if (shelf_failed(o) || unfit == 0)
        return;
    (void)snprintf(what, sizeof(what),
                   "%llu people have names that nobody can log in by: --make-names gives them "
                   "others",
                   (unsigned long long)unfit);
    older_fail(o, OLDER_NAMES_UNFIT, "", what);
}

static void order_messages(struct older *o)
{
    bool more = older_shelf_arrange_messages(o->shelf);
    struct older_shelf_counts counts = older_shelf_counts(o->shelf);

    o->progress.rows = counts.arranged;
    o->progress.messages = counts.messages;
    o->progress.rooms = counts.rooms;
    if (shelf_failed(o) || more)
        return;
    o->phase = READY;
    o->ended = true;
}

void older_turn(struct older *o)
{
    if (o->ended || o->phase != ORDERING)
        return;
    if (o->stopped)
        older_fail(o, OLDER_INTERRUPTED, "", "the same command begins again, and finds its work");
    else if (!o->numbered)
        order_people(o);
    else
        order_messages(o);
}

/* --- From outside. --- */

int older_new(const struct older_options *options, struct older **ret_older)
{
    struct older *o = mem_zeroed(1, sizeof(*o));
    int r = older_shelf_new(&o->shelf);

    if (r < 0) {
        free(o);
        return r;
    }
    o->o = *options;
    o->progress.step = "reading";
    *ret_older = o;
    read_table(o);
    return 0;
}

bool older_ended(const struct older *o)
{
    return o->ended;
}

void older_stop(struct older *o)
{
    o->stopped = true;
}

enum older_code older_result(const struct older *o, const char **ret_why)
{
    assert(o->ended);
    *ret_why = o->why;
    return o->code;
}

const char *older_code_text(enum older_code code)
{
    return code_texts[code];
}

const struct older_progress *older_progress(const struct older *o)
{
    return &o->progress;
}

struct store *older_store(struct older *o)
{
    assert(o->phase == READY && o->ended && o->code == OLDER_OK);
    return older_shelf_read(o->shelf);
}

void older_recheck(struct older *o)
{
    assert(o->phase == READY && o->ended && o->code == OLDER_OK);
    o->phase = RECHECKING;
    o->ended = false;
    o->table = 0;
    o->progress.step = "reading again";
    read_table(o);
}

void older_free(struct older *o)
{
    if (o == NULL)
        return;
    assert(o->ended);
    frame_unref(o->cursor);
    older_shelf_free(o->shelf);
    free(o);
}
