/* access.h: who may do what in a room: its kind, and the roles of its people.
 * Pure; owned by the room (chat/room/room.h). */
#ifndef CHAT_MODEL_ACCESS_H
#define CHAT_MODEL_ACCESS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/entry.h"
#include "base/map.h"
#include "chat/model/errors.h"
#include "chat/model/gone.h"
#include "chat/model/group.h"
#include "chat/model/settings.h"

enum access_role {
    ACCESS_NONE, /* no role: in a public room, anyone */
    ACCESS_MEMBER,
    ACCESS_MODERATOR,
    ACCESS_OWNER,
    ACCESS_MUTED,
    ACCESS_BANNED,
    ACCESS_UNKNOWN, /* no name of a role */
};

enum access_kind {
    ACCESS_PUBLIC,
    ACCESS_PRIVATE,
    ACCESS_AUDIT,  /* audit:<room>, audit:@server: the acts of moderation there */
    ACCESS_DIRECT, /* dm:<a>:<b>: its two people, whatever the log says */
    ACCESS_SELF,   /* @<id>: that person */
    ACCESS_GROUP,  /* dm:g<hash>: the people whom its first entry names, for good */
};

/* What a person may do: access.tbl. */
enum access_right {
#define RIGHT(name, what) ACCESS_TO_##name,
#define ROOM(right, kind, none, member, moderator, owner, muted, banned, super)
#define PEOPLE(right, kind, others, theirs)
#define STOP(setting, right, code)
#define HOLD(setting, right, code)
#include "chat/model/access.tbl"
#undef RIGHT
#undef ROOM
#undef PEOPLE
#undef STOP
#undef HOLD
    ACCESS_TO_any, /* as many as there are */
};

/* Whose messages go, up to which seq; up to where that is done; and the entry that says so. */
struct access_purge {
    uint64_t user, upto, done, seq;
};
enum { ACCESS_PURGES_MAX = 8 };

/* What the access entries of a log up to `at` add up to. */
struct access {
    enum access_kind kind;
    bool open;          /* general: public and nobody's, whatever the log says */
    char *title;        /* NUL-terminated or NULL */
    uint64_t low, high; /* ACCESS_DIRECT; ACCESS_SELF: low */
    struct map members; /* of struct access_member, by user id */
    uint64_t act;       /* the seq of the newest act in the room's log (chat/model/act.h); of
                           ACCESS_AUDIT: up to which seq its acts are here; 0: none */
    struct access_purge purges[ACCESS_PURGES_MAX]; /* that are not done yet, oldest first */
    unsigned purges_n;
    struct settings *settings; /* with what it borrows from behind it; NULL: nothing is chosen */
};

struct access_member {
    struct map_node node;
    uint64_t user, until_ms; /* muted or banned until; 0: for ever */
    enum access_role role;
    uint8_t name_n;
    char name[];
};

/* For a room of that id, before any entry. */
void access_init(struct access *a, struct str room);
void access_fini(struct access *a);

/* Takes in an entry of the log: ENTRY_ROOM and ENTRY_MEMBER, and ENTRY_ACT in the log of
 * moderators; others change nothing. Returns whether it was one that changes access. */
bool access_apply(struct access *a, const struct entry *e);

/* Takes in that the entry, applied before, has the place seq, for `act`. */
void access_note(struct access *a, uint64_t seq, const struct entry *e);

/* Returns the purge that takes the message, or the edit, of user at seq; NULL: none. */
const struct access_purge *access_purged(const struct access *a, uint64_t user, uint64_t seq);

/* Returns true if the entry, which was applied, ends that e->user_id follows the room. */
bool access_ends(const struct access *a, const struct entry *e, uint64_t now_ms);

/* NULL if the person has no role. */
const struct access_member *access_get(const struct access *a, uint64_t user);

/* The role as it stands at now_ms: an ended mute is a member, an ended ban none. */
enum access_role access_role(const struct access *a, uint64_t user, uint64_t now_ms);

/* Returns when the person's mute or ban ends, Unix time in ms; 0: never, or they have none. */
uint64_t access_until_ms(const struct access *a, uint64_t user);

/* The room's settings, valid until the next entry is taken in. */
const struct settings *access_settings(const struct access *a);

/* Returns ERROR_NONE if the person may, or why not. `super`: the server's owner. */
enum error_code access_may(const struct access *a, uint64_t user, bool super,
                           enum access_right right, uint64_t now_ms);

/* Returns ERROR_NONE if the person may read, or why not. */
enum error_code access_read(const struct access *a, uint64_t user, bool super, uint64_t now_ms);

/* Returns ERROR_NONE if the person may write, or why not; with ERROR_muted, *ret_until_ms is
 * when the mute ends (0: never). */
enum error_code access_write(const struct access *a, uint64_t user, bool super, uint64_t now_ms,
                             uint64_t *ret_until_ms);

/* Returns true if the person may delete others' messages, mute, and change the title. */
bool access_moderates(const struct access *a, uint64_t user, bool super, uint64_t now_ms);

/* Returns ERROR_NONE if `by` may give `user` the role, or why not. */
enum error_code access_grant(const struct access *a, uint64_t by, bool super, uint64_t user,
                             enum access_role role, uint64_t now_ms);

/* The record that is derived from the log, with what was deleted: reading it back and
 * applying the entries after `at` gives the same. False if it is broken. */
void access_encode(const struct access *a, const struct gone *g, uint64_t at, struct buf *out);
bool access_decode(struct access *a, struct gone *g, struct str record,
                   uint64_t *ret_at) MUST_CHECK;

/* Writes whose room it is, of a direct one, in ascending order; returns how many they are. */
unsigned access_people(const struct access *a, uint64_t ret_ids[static GROUP_MAX]);

const char *access_role_name(enum access_role r);
const char *access_kind_name(enum access_kind k);
enum access_role access_role_find(struct str name);

/* Returns true if room is "audit:<room>", and of which room; empty: of the server. */
bool access_audit_of(struct str room, struct str *ret_room);

/* Returns true if room is "dm:<low>:<high>". */
bool access_direct_peers(struct str room, uint64_t *ret_low, uint64_t *ret_high);

#endif
