/* sim_poller.h: a simulated client of Socket.IO over HTTP long-polling. Its few
 * sessions share a few connections, so that a request, alone or behind others that
 * were not answered yet, comes to the worker that has the session or to another. A
 * session may become a WebSocket.
 *
 *   GONE --GET--> OPEN --40--> CONNECTED --join--> FOLLOWS
 *    ^             |               |                  |
 *    +-------------+-- refused, closed, cut ----------+
 *
 * What a session is shown and what it is answered go to the checker. A rude one
 * also does what attackers do. */
#ifndef LIB_SIM_POLLER_H
#define LIB_SIM_POLLER_H

#include "lib/sim_client.h"
#include "lib/sim_pipe.h"

enum { SIM_POLLER_SESSIONS = 2, SIM_POLLER_PIPES = 3, SIM_POLLER_SENDS = 8, SIM_POLLER_SID = 64 };

enum sim_poll_state {
    SIM_POLL_GONE,
    SIM_POLL_OPENING,
    SIM_POLL_OPEN,
    SIM_POLL_CONNECTED,
    SIM_POLL_FOLLOWS
};
enum sim_poll_upgrade { SIM_POLL_POLLED, SIM_POLL_PROBES, SIM_POLL_PROVEN, SIM_POLL_WEBSOCKET };

/* A send that is not answered yet. */
struct sim_poll_send {
    uint64_t id, text_seed; /* id 0: unused */
    char cid[SIM_CLIENT_CID];
};

struct sim_poll_session {
    enum sim_poll_state state;
    enum sim_poll_upgrade upgrade;
    unsigned age;      /* requests name it: those of an earlier session are nobody's */
    bool asked, joins; /* has a GET under way, on that connection; has asked to join */
    unsigned asked_on;
    unsigned posts_n; /* POSTs under way */
    char sid[SIM_POLLER_SID];
    struct buf post; /* packets that wait for a POST */
    uint64_t user, due_ms;
    bool known; /* has a cursor */
    uint64_t epoch;
    struct sim_follow follow;
    struct sim_poll_send sends[SIM_POLLER_SENDS];
};

struct sim_poller {
    struct sim_crowd *crowd;
    char name[16];
    const char *room;
    bool rude, stays_down;
    uint64_t ids, due_ms;
    unsigned upgrading; /* which session the link is of */
    struct sim_link link;
    struct sim_pipe pipes[SIM_POLLER_PIPES];
    struct sim_poll_session sessions[SIM_POLLER_SESSIONS];
    uint64_t opened_n, shown_n, acked_n, upgraded_n, refused_n, floods_n;
};

void sim_poller_init(struct sim_poller *p, struct sim_crowd *crowd, const char *name,
                     const char *room);
void sim_poller_fini(struct sim_poller *p);

/* Does what is due; returns when it wants to be called next. */
uint64_t sim_poller_turn(struct sim_poller *p);

/* A message from one of its sessions, if one can say it. */
void sim_poller_send(struct sim_poller *p);

/* Cuts its connections, and stays down if told so; is all of it down? */
void sim_poller_cut(struct sim_poller *p);
bool sim_poller_is_down(const struct sim_poller *p);

/* NULL, or why not all is well: a session does not follow, or not up to the newest
 * entry, or waits for an answer. */
const char *sim_poller_unquiet(const struct sim_poller *p);

#endif
