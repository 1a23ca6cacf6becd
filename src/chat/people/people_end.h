/* people_end.h: ends sessions before their time: one of a person, or all but one, as a logout, a
 * new password and the end of an account do.
 *
 *   record --> revoked --> revoked:<minute>, if there are other nodes --> records removed --> told
 *
 * A session is remembered as ended for whoever starts and, where there are other nodes, for those
 * that run; then its records go: what is no longer listed has ended. Each step may be the last
 * before a crash: whoever asks again ends the rest. Other nodes obey within 5 s. On one loop. */
#ifndef CHAT_PEOPLE_PEOPLE_END_H
#define CHAT_PEOPLE_PEOPLE_END_H

#include "chat/people/people_session.h"
#include "chat/room/call.h"

struct people;

/* One at a time; embedded in its user's state, zero but for what is given. */
struct people_end {
    struct people *people;
    uint64_t user;
    bool keys; /* API keys (chat/people/people_key.h), not sessions; an id is a key's then */
    /* Told once, on the people's loop, perhaps before people_end_all or people_end_one returns:
     * STORE_OK, or what the store said, when some sessions may have ended already. */
    void (*done)(struct people_end *e, enum store_result result);
    unsigned ended_n; /* so many have ended */

    /* Its own. */
    union call_request q;
    uint64_t except, session, expires_ms;
    struct frame *block; /* sessions that are to end */
    size_t at;
    bool last, one;
    char pk[KEYS_MAX], sk[KEYS_MAX], after[KEYS_MAX], minute[KEYS_MAX], expires[20];
};

/* Ends all sessions of the user but `except`; 0: all. A session that begins meanwhile may go on. */
void people_end_all(struct people_end *e, uint64_t except);

/* Ends that session of the user; ended_n is 0 if there is none. */
void people_end_one(struct people_end *e, uint64_t session);

#endif
