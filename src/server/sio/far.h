/* far.h: requests for sessions of Engine.IO, and for connections behind API Gateway, that another
 * worker has, on this node or on another: asked for and answered by messages
 * (server/sio/far_message.h).
 *
 *   far_ask --GET, POST, PROBE--> mail, or the bus --> [ far_there ] --> session
 *   done <----------ANSWER------- mail, or the bus <------'
 *
 * Mail arrives; the bus may lose anything. So an ask has a deadline, what comes in
 * pieces is numbered, and whatever does not add up is refused as a session that
 * nobody knows: its client connects again, with its cursors, wherever it likes. */
#ifndef SERVER_SIO_FAR_H
#define SERVER_SIO_FAR_H

#include "base/map.h"
#include "base/wheel.h"
#include "server/sio/far_message.h"

/* Of a worker. */
struct far {
    struct map asks, theres, nodes;
    uint64_t last_id;
    /* Take the exchange of a FAR_EVENT, of a FAR_HOME, whose body has come; NULL: there are none
     * here. */
    void (*event)(struct exchange *x);
    void (*home)(struct exchange *x);
};

/* A request under way. Its owner's, zeroed, then done is set. */
struct far_ask {
    struct map_node node;
    struct wheel_timer timer;
    struct worker *worker;
    struct eio_sid to;
    uint64_t id;
    uint32_t pieces;
    struct buf body;
    bool open;
    /* The ask is over: answered, or refused. a->body is the answer's, and may be changed; the ask
     * may be used again, or freed. */
    void (*done)(struct far_ask *a, const struct eio_answer *answer);
};

void far_init(struct worker *w);

/* The worker ends: what it asks is refused, what it was asked is answered no more. */
void far_end(struct worker *w);
void far_fini(struct worker *w);

/* Could that node be asked now? */
bool far_knows(struct worker *w, uint64_t node) MUST_CHECK;

/* Some node that could be asked now, drawn by a random number; 0: there is none. */
uint64_t far_any(struct worker *w, uint64_t random) MUST_CHECK;

/* Asks the worker that has the session; type: GET, POST, PROBE, EVENT or HOME. done follows, but
 * not within the call, unless it is cancelled. */
void far_ask(struct worker *w, struct far_ask *a, const struct eio_sid *to, enum far_type type,
             struct str body);

/* Asks for an end soon: a GET ends with what there is. */
void far_enough(struct far_ask *a);

/* Nobody waits for it any more. Harmless if it is over. Frees what the ask keeps. */
void far_cancel(struct far_ask *a);

/* Tells the worker that has the session: PROBED, UNPROBED or GONE. */
void far_tell(struct worker *w, const struct eio_sid *to, enum far_type type);

/* Sends a message, its bytes in pieces if need be. */
void far_send(struct worker *w, uint64_t node, unsigned worker, const struct far_message *m);

/* A message came from that node; the bus tells of nodes. */
void far_heard(struct worker *w, uint64_t node, struct str bytes);
void far_node(struct worker *w, uint64_t node, bool up);

#endif
