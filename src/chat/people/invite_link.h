/* invite_link.h: links that let somebody in: into a room (chat/command/cmd_invite.c), or to sign up
 * where --signup is invite. A link is a random code; what is stored is under the code's hash, so
 * that whoever reads the store lets nobody in:
 *
 *   link:<hash>   link   "<by> <owner 0|1> <created> <expires> <uses> <used> <room>"
 *
 * by: the user who made it, as the server's owner or not; times in ms; expires 0: never; uses 0:
 * any number; no room: it is for signing up. Uses are counted exactly: each is one conditional
 * put, so that of two at once, at whatever nodes, one is the later.
 *
 * Somebody who signs up by a code:
 *
 *   struct invite_link_use u = {.owner = owner, .done = taken};   it lives until `done`
 *   invite_link_take(&u, code);
 *   taken: u.ret_error is ERROR_NONE, or why not; go on if u.ret_link.room_n is 0
 *   invite_link_give_back(&u) if what the use was for did not come to pass
 *
 * A link into a room lets nobody sign up, and the other way round: `signup` says which is wanted.
 * Each call is answered by done, once, on the owner's loop, never inside the call. */
#ifndef CHAT_PEOPLE_INVITE_LINK_H
#define CHAT_PEOPLE_INVITE_LINK_H

#include "chat/model/keys.h"
#include "chat/room/room.h"

/* Digits of a code, which nobody can guess, and of a link's id, which is no secret. */
#define INVITE_LINK_CODE 32
#define INVITE_LINK_ID 16
#define INVITE_LINK_HASH 64

struct invite_link {
    uint64_t by, created_ms, expires_ms, uses, used;
    bool super;
    char room[KEYS_ROOM_MAX];
    size_t room_n;
};

struct invite_link_use {
    /* The caller's. */
    struct owner *owner;
    void (*done)(struct invite_link_use *u);
    bool signup; /* a link without a room is wanted */

    /* What it came to: ERROR_NONE, ERROR_no_such_invite (there is none, or it has ended, is used up
     * or was revoked: nobody learns which), or the store's. */
    enum error_code ret_error;
    struct invite_link ret_link;

    /* Private. */
    union {
        struct store_req req;
        struct store_get get;
        struct store_put put;
    } q;
    enum { INVITE_LINK_LOOKS, INVITE_LINK_TAKES, INVITE_LINK_GIVES } what;
    unsigned tries;
    char hash[INVITE_LINK_HASH], pk[KEYS_MAX];
    char body[KEYS_ROOM_MAX + 160];
};

/* Looks what the link of that code is, and takes nothing. */
void invite_link_look(struct invite_link_use *u, struct str code);

/* Takes one use of it, if there is one left. */
void invite_link_take(struct invite_link_use *u, struct str code);

/* Puts back the use that was taken last, if the link is still there. */
void invite_link_give_back(struct invite_link_use *u);

/* Writes the hash of a code, as digits. */
void invite_link_hash(struct str code, char ret_hash[static INVITE_LINK_HASH]);

/* Appends a link's value; reads it. */
struct str invite_link_encode(const struct invite_link *l, char *to, size_t max);
bool invite_link_decode(struct str body, struct invite_link *ret) MUST_CHECK;

/* Returns true if it lets somebody in at now_ms. */
bool invite_link_is_good(const struct invite_link *l, uint64_t now_ms);

#endif
