#include "store/store_sqlite_impl.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Folding begins at so many bytes in memory, however few entries. */
#define FOLD_BYTES (8 * 1024 * 1024)
/* A page holds at most so many entries, and bytes unless it is one entry. */
#define PAGE_ENTRIES 64
#define PAGE_BYTES (16 * 1024)
/* Deleting a journal row is this much cheaper than folding an entry. */
#define CUT_FACTOR 4

static int by_number(const void *a, const void *b)
{
    const struct store_sqlite_room *x = *(struct store_sqlite_room *const *)a;
    const struct store_sqlite_room *y = *(struct store_sqlite_room *const *)b;

    return (x->id > y->id) - (x->id < y->id);
}

void store_sqlite_fold_begin(struct store_sqlite *s)
{
    struct store_sqlite_tail *t = &s->tail;
    struct store_sqlite_fold *f = &s->fold;

    if (t->n == 0 || store_sqlite_fold_pending(s) ||
        (t->entries < s->fold_n && t->bytes < FOLD_BYTES))
        return;
    f->upto = t->row[t->at + t->n - 1].id;
    f->cut = t->row[t->at].id - 1;
    f->mark++;
    f->rooms = mem_resize_array(NULL, t->n, sizeof(struct store_sqlite_room *));
    f->n = f->at = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct store_sqlite_room *r = t->row[t->at + i].room;

        if (r->marked == f->mark)
            continue;
        r->marked = f->mark;
        f->rooms[f->n++] = r;
    }
    qsort(f->rooms, f->n, sizeof(struct store_sqlite_room *), by_number);
}

bool store_sqlite_fold_pending(const struct store_sqlite *s)
{
    return s->fold.cut < s->fold.upto;
}

/* Entries on their way into one page. */
struct fold_page {
    uint64_t first;
    unsigned n;
    size_t bytes;
    struct str entries[PAGE_ENTRIES];
};

static void page_add(struct fold_page *p, uint64_t seq, struct str entry)
{
    if (p->n == 0)
        p->first = seq;
    p->entries[p->n++] = entry;
    p->bytes += entry.n;
}

static int page_flush(struct store_sqlite *s, const struct store_sqlite_room *r,
                      struct fold_page *p)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_PAGE_PUT);
    struct frame *block;
    int rc;

    if (p->n == 0)
        return SQLITE_OK;
    block = store_sqlite_block_make(p->entries, p->n);
    (void)sqlite3_bind_int64(stmt, 1, store_sqlite_conn_id(r->id, p->first));
    store_sqlite_conn_bind(stmt, 2, frame_str(block));
    rc = store_sqlite_conn_run(stmt);
    frame_unref(block);
    p->n = 0;
    p->bytes = 0;
    return rc;
}

/* What is left to be folded of a room: seqs next .. last. */
struct fold_range {
    uint64_t next, last;
};

/* The last seq in batches that are being folded, 0 if there is none. */
static uint64_t last_folding(const struct store_sqlite_room *r, uint64_t upto)
{
    size_t from = 0, to = r->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (r->batch[r->at + mid].id <= upto)
            from = mid + 1;
        else
            to = mid;
    }
    return from > 0 ? r->batch[r->at + from - 1].first + r->batch[r->at + from - 1].n - 1 : 0;
}

/* Sees how far the room's pages reach, and takes the last of them into p if all
 * that is to come fits into it as well; *ret_kept then holds its bytes. A last
 * page that is damaged is left alone. */
static int look_at_pages(struct store_sqlite *s, const struct store_sqlite_room *r,
                         struct fold_range *range, struct fold_page *p, struct frame **ret_kept)
{
    struct store_sqlite_pages pages;
    struct store_sqlite_block block;
    struct str entry;
    int rc;

    store_sqlite_conn_pages(&s->conn, r->id, STORE_SQLITE_SEQ_MAX, &pages);
    rc = store_sqlite_conn_pages_next(&pages);
    if (rc == SQLITE_ROW)
        range->next = MAX(range->next, pages.first + pages.block.n);
    else if (rc == SQLITE_CORRUPT && pages.first > 0)
        range->next = MAX(range->next, pages.first + 1);
    if (rc == SQLITE_ROW && range->next == pages.first + pages.block.n &&
        range->last < pages.first + PAGE_ENTRIES && pages.block.rest.n <= PAGE_BYTES / 2) {
        *ret_kept = frame_copy(pages.block.rest);
        block = (struct store_sqlite_block){frame_str(*ret_kept), pages.block.n};
        for (uint64_t seq = pages.first; store_sqlite_block_next(&block, &entry); seq++)
            page_add(p, seq, entry);
    }
    store_sqlite_conn_pages_end(&pages);
    return rc == SQLITE_ROW || rc == SQLITE_DONE || pages.first > 0 ? SQLITE_OK : rc;
}

/* Folds what fits *budget; a page is never left half. */
static int fold_range(struct store_sqlite *s, const struct store_sqlite_room *r,
                      struct fold_range *range, struct fold_page *p, size_t *budget)
{
    struct store_sqlite_block block = {.n = 0};
    struct str entry;
    int rc = SQLITE_OK;

    while (rc == SQLITE_OK && range->next <= range->last) {
        if (block.n == 0) {
            const struct store_sqlite_batch *b = store_sqlite_tail_find(r, range->next);
            bool ok = b != NULL && store_sqlite_block_open(frame_str(b->block), &block);

            assert(ok);
            for (uint64_t seq = b->first; seq < range->next; seq++)
                ok = store_sqlite_block_next(&block, &entry);
            assert(ok);
        }
        if (!store_sqlite_block_next(&block, &entry))
            return SQLITE_CORRUPT;
        if (p->n == PAGE_ENTRIES || (p->n > 0 && p->bytes + entry.n > PAGE_BYTES)) {
            rc = page_flush(s, r, p);
            if (*budget == 0)
                return rc;
        }
        page_add(p, range->next++, entry);
        *budget -= *budget > 0;
    }
    return rc == SQLITE_OK ? page_flush(s, r, p) : rc;
}

/* Sets *ret_done when all of the room has been folded. */
static int fold_room(struct store_sqlite *s, const struct store_sqlite_room *r, size_t *budget,
                     bool *ret_done)
{
    struct fold_range range = {store_sqlite_tail_first(r), last_folding(r, s->fold.upto)};
    struct frame *kept = NULL;
    struct fold_page p = {.n = 0};
    int rc;

    rc = look_at_pages(s, r, &range, &p, &kept);
    if (rc == SQLITE_OK)
        rc = fold_range(s, r, &range, &p, budget);
    frame_unref(kept);
    *ret_done = range.next > range.last;
    *budget -= *budget > 0;
    return rc;
}

static int cut_journal(struct store_sqlite *s, size_t rows)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_JOURNAL_CUT);

    s->fold.cut = MIN(s->fold.upto, s->fold.cut + rows);
    store_sqlite_conn_bind_u64(stmt, 1, s->fold.cut);
    return store_sqlite_conn_run(stmt);
}

int store_sqlite_fold_slice(struct store_sqlite *s, size_t entries)
{
    struct store_sqlite_fold *f = &s->fold;
    uint64_t began_us = io_clock_us(s->clock);
    bool done = true;
    int rc = SQLITE_OK;

    f->old_at = f->at;
    f->old_cut = f->cut;
    while (rc == SQLITE_OK && entries > 0 && f->at < f->n) {
        rc = fold_room(s, f->rooms[f->at], &entries, &done);
        f->at += rc == SQLITE_OK && done;
    }
    if (rc == SQLITE_OK && entries > 0)
        rc = cut_journal(s, entries * CUT_FACTOR);
    s->stats.folds++;
    s->stats.fold_us += io_clock_us(s->clock) - began_us;
    return rc;
}

void store_sqlite_fold_committed(struct store_sqlite *s)
{
    struct store_sqlite_fold *f = &s->fold;

    f->old_at = f->at;
    f->old_cut = f->cut;
    if (f->rooms == NULL)
        return;
    store_sqlite_tail_cut(&s->tail, f->cut);
    if (f->cut < f->upto)
        return;
    free(f->rooms);
    f->rooms = NULL;
}

void store_sqlite_fold_undone(struct store_sqlite *s)
{
    s->fold.at = s->fold.old_at;
    s->fold.cut = s->fold.old_cut;
}
