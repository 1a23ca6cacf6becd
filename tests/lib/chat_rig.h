/* chat_rig.h: the owner of rooms (chat/room/room.h) and people on one simulated loop,
 * with the store in memory and around them what a worker would be: commands go in
 * as JSON, answers come out, what followers would be told is remembered. */
#ifndef LIB_CHAT_RIG_H
#define LIB_CHAT_RIG_H

#include "chat/people/hasher.h"
#include "chat/people/people.h"
#include "chat/room/room.h"
#include "io/io_sim.h"
#include "lib/check.h"
#include "lib/store_gate.h"
#include "store/store_mem.h"

#define CHAT_RIG_NEWS 4096
#define CHAT_RIG_TEXT (256 * 1024)

/* One entry that was published. */
struct chat_rig_news {
    char room[KEYS_ROOM_MAX];
    uint64_t seq, workers;
    bool lost;
    struct frame *bytes;
    struct entry entry; /* of bytes */
};

struct chat_rig {
    struct sim *sim;
    struct io_host *host;
    struct io *io;
    struct store_mem_disk *disk;
    struct store *mem;
    struct store_gate *gate; /* before mem */
    struct bus *bus;
    struct wheel wheel;
    struct owner owner;
    struct people people;
    struct people_keys keys;
    struct hasher *hasher;                 /* by chat_rig_passwords */
    uint64_t place;                        /* where commands come from */
    const struct identity_options *issuer; /* set before a restart */
    struct chat_rig_news news[CHAT_RIG_NEWS];
    unsigned news_n;
    char cast[4096]; /* the last one, with ' for " */
    char cast_to[80];
    unsigned casts_n;
    uint64_t cast_not_user;
    uint64_t revoked; /* the last session */
    unsigned alarms_n[ALARMS_N];
    char alarm[256];   /* the last one's detail */
    unsigned behind_n; /* how often a log ended before what was known */
    uint64_t random;   /* counts up */
    unsigned ended_n;  /* calls, for their order */
    char sources[256]; /* one connection for each person */
};

/* A command on its way. */
struct chat_rig_call {
    struct call call;
    struct chat_rig *rig;
    bool ended;
    unsigned order; /* in which calls ended */
    char name[32];
    uint8_t *bytes;
    char answer[CHAT_RIG_TEXT]; /* with ' for " */
};

/* Setup and teardown for cmocka: *state is a struct chat_rig. */
int chat_rig_setup(void **state);
int chat_rig_teardown(void **state);

/* From now on people log in by passwords, and anybody may sign up; not by a name alone. */
void chat_rig_passwords(struct chat_rig *r, const struct hasher_options *o);

/* The process ends without having stored what it may lose, and begins anew. */
void chat_rig_restart(struct chat_rig *r);

/* Something happens, or time passes; false when nothing can any more. */
bool chat_rig_turn(struct chat_rig *r);

/* Until nothing more happens within ms of virtual time. */
void chat_rig_rest(struct chat_rig *r, uint64_t ms);

/* The command, in which ' stands for ", of user (named u<user>; 1 is not the
 * server's owner); super: as who is. To be waited for. */
struct chat_rig_call *chat_rig_start(struct chat_rig *r, uint64_t user, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
struct chat_rig_call *chat_rig_start_super(struct chat_rig *r, uint64_t user, const char *text);

/* The same of that caller, who is named u<user>. */
struct chat_rig_call *chat_rig_start_as(struct chat_rig *r, struct caller who, const char *text);

/* Waits; the answer, valid until chat_rig_free. */
const char *chat_rig_wait(struct chat_rig_call *c);
void chat_rig_free(struct chat_rig_call *c);

/* start, wait and free; the answer is valid until the next. */
const char *chat_rig_do(struct chat_rig *r, uint64_t user, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Fails the test if text is not in the answer. */
void chat_rig_has(const char *answer, const char *text);
void chat_rig_has_not(const char *answer, const char *text);

/* The number behind "'key':" in the answer. */
uint64_t chat_rig_number(const char *answer, const char *key);

/* The text behind "'key':'" in the answer, copied to buf. */
const char *chat_rig_text(const char *answer, const char *key, char buf[static 4096]);

/* Who the token in the answer speaks for. */
enum error_code chat_rig_verify(struct chat_rig *r, const char *answer, struct caller *ret_who);

/* How many entries, and states of entries, of the room in the store hold one of the texts, of seqs
 * below `below`; or_text and ret_entries_n, how many entries there are at all, may be NULL. */
unsigned chat_rig_stored(struct chat_rig *r, const char *room, uint64_t below, const char *text,
                         const char *or_text, unsigned *ret_entries_n);

/* The record's body; "-" if there is none. Valid until the next. Puts one; body NULL: away. */
const char *chat_rig_record(struct chat_rig *r, const char *pk, const char *sk);
void chat_rig_put(struct chat_rig *r, const char *pk, const char *sk, const char *body);

/* A worker has followers of the room. */
void chat_rig_follow(struct chat_rig *r, const char *room, unsigned worker);

/* The room in memory, or NULL. */
struct room *chat_rig_room(struct chat_rig *r, const char *id);

#endif
