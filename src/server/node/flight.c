#include "server/node/flight.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

#define FLIGHTS_KEPT 1024

struct flight *flight_get(struct flights *unused)
{
    struct flight *f = unused->first;

    if (f == NULL) {
        f = mem_bytes(sizeof(*f));
    } else {
        unused->first = f->next;
        unused->n--;
    }
    f->out = NULL;
    f->frames_n = f->parts_n = 0;
    return f;
}

void flight_put(struct flights *unused, struct flight *f)
{
    assert(f->frames_n <= FLIGHT_FRAMES_MAX && f->parts_n <= IO_PARTS_MAX);
    flight_out_free(f->out);
    for (unsigned i = 0; i < f->frames_n; i++)
        frame_unref(f->frames[i]);
    if (unused->n >= FLIGHTS_KEPT) {
        free(f);
        return;
    }
    f->next = unused->first;
    unused->first = f;
    unused->n++;
}

static void add_part(struct flight *f, struct str bytes)
{
    assert(f->parts_n < IO_PARTS_MAX);
    f->parts[f->parts_n++] = bytes;
}

void flight_add_out(struct flight *f, struct buf *out)
{
    assert(f->out == NULL);
    f->out = out;
    add_part(f, buf_peek(out));
}

void flight_add_frame(struct flight *f, struct frame *bytes)
{
    assert(f->frames_n < FLIGHT_FRAMES_MAX);
    f->frames[f->frames_n++] = bytes;
    add_part(f, frame_str(bytes));
}

bool flight_advance(struct flight *f, size_t n)
{
    unsigned gone = 0;

    assert(f->parts_n > 0);
    while (gone < f->parts_n && n >= f->parts[gone].n)
        n -= f->parts[gone++].n;
    f->parts_n -= gone;
    if (gone > 0)
        memmove(f->parts, f->parts + gone, f->parts_n * sizeof(f->parts[0]));
    if (f->parts_n > 0)
        f->parts[0] = str_skip(f->parts[0], n);
    return f->parts_n > 0;
}

void flight_out_free(struct buf *out)
{
    if (out == NULL)
        return;
    buf_fini(out);
    free(out);
}

void flight_fini(struct flights *unused)
{
    while (unused->first != NULL) {
        struct flight *f = unused->first;

        unused->first = f->next;
        free(f);
    }
}
