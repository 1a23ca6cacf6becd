/* flight.h: a send under way: its operation, and what its parts point to. An idle
 * connection has none. Owned by its connection from the send's beginning until it has
 * completed; those that are unused are kept for the next ones. Of one loop. */
#ifndef SERVER_NODE_FLIGHT_H
#define SERVER_NODE_FLIGHT_H

#include "base/buf.h"
#include "base/frame.h"
#include "io/io.h"

struct conn;

/* Frames that one send carries besides the answers. */
#define FLIGHT_FRAMES_MAX (IO_PARTS_MAX - 1)

struct flight {
    struct io_op op;
    struct conn *conn;
    struct flight *next; /* of the unused ones */
    struct buf *out;     /* answers; NULL: none */
    struct frame *frames[FLIGHT_FRAMES_MAX];
    unsigned frames_n, parts_n;
    struct str parts[IO_PARTS_MAX];
};

/* The unused ones of a loop. Zeroed at the start. */
struct flights {
    struct flight *first;
    unsigned n;
};

/* Without parts. Aborts when memory is out. */
struct flight *flight_get(struct flights *unused) MUST_CHECK;

/* Frees what it carries. */
void flight_put(struct flights *unused, struct flight *f);

/* Takes the answers over, or a reference of a frame. */
void flight_add_out(struct flight *f, struct buf *out);
void flight_add_frame(struct flight *f, struct frame *bytes);

/* Drops the first n bytes of the parts; true if some are left. */
bool flight_advance(struct flight *f, size_t n) MUST_CHECK;

/* Frees a buffer of answers; NULL is fine. */
void flight_out_free(struct buf *out);

void flight_fini(struct flights *unused);

#endif
