/* keys.h: the keys of all that is kept under (pk, sk), and what is under each: here and
 * nowhere else. Stored bytes: a key that is in use never changes. Pure.
 *
 *   pk                 sk               value
 *   names              <folded name>    "<id> <name>": who has the name
 *   looks              <skeleton>       "<id> <folded name>": which of the names that look alike is
 *                                       had (chat/model/looks.h)
 *   u:<id>             user             "u<name>"; "o<name>": the server's owner; "x<name>": logs
 *                                       in elsewhere, "x" until the name is found; "b<name>": a
 *                                       script, whose tokens are the owner's to make
 *                      password         a hash, a recovery link, places
 *                                       (chat/people/people_password.h)
 *                      passkeys         all of the person's passkeys, and what their handle has
 *                                       besides the number (chat/people/passkey.h)
 *                      session:<sid>    "<created> <expires>", ms, then " lasting" if later
 *                                       tokens belong to it, then " g<generation>" of a store
 *                                       that was adopted
 *                      key:<id>         an API key: "<created> <expires> <generation> <scopes>
 *                                       <used> <hash> <name>" (chat/people/people_key.h)
 *                      seen:<sid>       "<ms> <address> <program> <system>": when a session was
 *                                       last used, from where and by what; "-": not known
 *                      room:<room>      "<seq> <count>": the room is on the person's list, and
 *                                       how far they have read it
 *                      pref:<room>      how the person likes to see a room (chat/model/pref.h)
 *                      bot              "<owner> <ms>": the script is that person's bot, since
 *                                       (chat/people/people_bot.h)
 *                      bot:<id>         "<name>": a bot of the person
 *                      block:<id>       "<name>": whom the person blocks
 *                      off              "<ms>": since then the person is deactivated
 *                                       (chat/people/people_off.h)
 *                      profile          what the person says of themselves
 *                                       (chat/people/people_profile.h)
 *                      reports          "<day> <n>": how many messages they reported that day
 *                      rooms-created    "<n>"
 *                      conn:<id>        "<session> <base>": a connection behind API Gateway
 *   subject:<hash>     user             "<id>", then "<id> <name>": whom an outside issuer
 *                                       vouches for
 *   r:<room>           state            who may what, the settings, what was deleted, the seq that
 *                                       all reflect (chat/model/access.h)
 *                      access           the same of a node that knows no settings: it is read where
 *                                       there is no state, and not written
 *                      link:<id>        "<hash>": an invite link into the room
 *   directory          <room>           a public room, as it can be found (chat/room/listing.h)
 *   directory:<minute> <ms>:<room>      the same, of those that changed then
 *   deleting           <room>           "1": its content is on its way out (chat/room/wipe.h), or
 *                                       that of somebody there (chat/room/purge.h)
 *   reports            <room>:<seq>:<user>  a report of a message (chat/command/cmd_report.h)
 *   links              link:<id>        the same of a link to sign up
 *   link:<hash>        link             what the link is (chat/people/invite_link.h); the hash is
 *                                       that of its code, which is kept nowhere
 *   challenge:<nonce>  spent            "1": a passkey has signed it
 *                                       (chat/people/passkey_challenge.h)
 *   revoked            <sid>            "<expires>": ended before its time
 *   revoked:<minute>   <sid>            the same, of those that were ended in that minute
 *   server             owner-code       "<code>", then "<code> <user>", then "used"
 *                      token-secret     what signs tokens
 *                      store-id         random; a copy has the same
 *                      stopped          "<ms>": when the last node ended in order
 *                      adopted          "<generation> <shift>" (admin/store_adopt.h)
 *                      filter           what is not wanted in any room (chat/model/filter.h)
 *   nodes              <run>            "<n> <ms> ...": a node's heartbeat (server/health/guard.h)
 *
 * Of connections behind API Gateway (serverless/rows.h):
 *   c:<id>             connection       who it is of, and the rooms that it follows
 *   f:<room>#<shard>   <id>             a follower of the room, in that shard
 *   s:<room>#<shard>   shard            up to where the shard's followers were sent the log
 *   l:u<id>            limit            "1 <ns>": when a person may again do all that is allowed
 *   l:a<address>       limit            at once; the same of an address (lambda/lambda_limit.c)
 *
 * Of those that a server is home of (server/gw/gw_row.h); a run is of a node's start:
 *   c:<id>             home             whose home it is, who it is of, what it follows
 *   g:<run>            <id>             "1": that node is home of it
 *   homes              <run>            "<bus id>": that node is home of some
 *
 * The counter `users` gives users their numbers. */
#ifndef CHAT_MODEL_KEYS_H
#define CHAT_MODEL_KEYS_H

#include "base/base.h"

/* Room for any key that is made here; and for the id of a room. */
#define KEYS_MAX 96
#define KEYS_ROOM_MAX 80
/* An id of API Gateway's for a connection is at most so long. */
#define KEYS_CONN_MAX 64

/* Each pk that stands alone. */
#define KEYS_NAMES STR("names")
#define KEYS_LOOKS STR("looks")
#define KEYS_REVOKED STR("revoked")
#define KEYS_SERVER STR("server")
#define KEYS_NODES STR("nodes")
#define KEYS_HOMES STR("homes")
#define KEYS_LINKS STR("links")
#define KEYS_DELETING STR("deleting")
#define KEYS_REPORTS STR("reports")
#define KEYS_DIRECTORY STR("directory")

/* Each sk that stands alone. */
#define KEYS_USER STR("user")
#define KEYS_PASSWORD STR("password")
#define KEYS_PASSKEYS STR("passkeys")
#define KEYS_PROFILE STR("profile")
#define KEYS_OFF STR("off")
#define KEYS_BOT STR("bot")
#define KEYS_ROOMS_CREATED STR("rooms-created")
#define KEYS_STATE STR("state")
#define KEYS_ACCESS STR("access")
#define KEYS_OWNER_CODE STR("owner-code")
#define KEYS_TOKEN_SECRET STR("token-secret")
#define KEYS_STORE_ID STR("store-id")
#define KEYS_STOPPED STR("stopped")
#define KEYS_ADOPTED STR("adopted")
#define KEYS_FILTER STR("filter")
#define KEYS_CONN STR("connection")
#define KEYS_HOME STR("home")
#define KEYS_SHARD STR("shard")
#define KEYS_LIMIT STR("limit")
#define KEYS_LINK STR("link")
#define KEYS_SPENT STR("spent")

/* What the pk of a connection behind API Gateway begins with, and the attribute that its id is in
 * a table of their own. */
#define KEYS_OF_CONNS STR("c:")
#define KEYS_CONN_ID "connectionId"

/* What each sk of a kind begins with. Direct rooms are rooms, too. */
#define KEYS_SESSIONS STR("session:")
#define KEYS_API_KEYS STR("key:")
#define KEYS_SEEN STR("seen:")
#define KEYS_ROOMS STR("room:")
#define KEYS_DIRECT STR("dm:") /* the id of one */
#define KEYS_DIRECT_ROOMS STR("room:dm:")
#define KEYS_CONNS STR("conn:")
#define KEYS_OF_LINKS STR("link:")
#define KEYS_BLOCKS STR("block:")
#define KEYS_PREFS STR("pref:")
#define KEYS_BOTS STR("bot:")

#define KEYS_USERS STR("users") /* the counter */

/* A pk, written to buf. A subject is 32 bytes, a hash; a minute is one of Unix time. */
struct str keys_of_user(uint64_t user, char buf[static KEYS_MAX]);
struct str keys_of_room(struct str room, char buf[static KEYS_MAX]);
struct str keys_of_subject(const uint8_t hash[static 32], char buf[static KEYS_MAX]);
struct str keys_of_minute(uint64_t minute, char buf[static KEYS_MAX]);
struct str keys_of_directory(uint64_t minute, char buf[static KEYS_MAX]);

/* An sk, written to buf, of a room that changed at ms: in the order of the times; the room's id
 * is behind the first KEYS_CHANGED_N bytes. */
#define KEYS_CHANGED_N 17
struct str keys_changed(uint64_t ms, struct str room, char buf[static KEYS_MAX]);

/* A pk, written to buf: of an invite link, by its hash of 64 digits; an sk: by its id of at most 64
 * bytes. */
struct str keys_of_link(struct str hash, char buf[static KEYS_MAX]);
struct str keys_link(struct str id, char buf[static KEYS_MAX]);

/* A pk, written to buf: of a challenge, by its nonce. */
struct str keys_of_challenge(const uint8_t nonce[static 16], char buf[static KEYS_MAX]);

/* A pk, written to buf: of a connection behind API Gateway, whose id has 1 to KEYS_CONN_MAX
 * bytes; of the followers of a shard of a room; of the shard itself. */
struct str keys_of_conn(struct str id, char buf[static KEYS_MAX]);
struct str keys_of_followers(struct str room, uint32_t shard, char buf[static KEYS_MAX]);
struct str keys_of_shard(struct str room, uint32_t shard, char buf[static KEYS_MAX]);

/* A pk, written to buf: of what limits somebody, who has 1 to 64 bytes. */
struct str keys_of_limit(struct str who, char buf[static KEYS_MAX]);

/* A pk, written to buf: of the connections whose home is a node, by its run, of 1 to 32 bytes. */
struct str keys_of_homes(struct str run, char buf[static KEYS_MAX]);

/* An sk, written to buf: of a user's session, of where that was seen, of an API key, of a room on
 * a user's list, of a connection of a user, of a session that was ended, of whom a user blocks, of
 * how a user likes to see a room, of a bot of a user. */
struct str keys_session(uint64_t session, char buf[static KEYS_MAX]);
struct str keys_seen(uint64_t session, char buf[static KEYS_MAX]);
struct str keys_api_key(uint64_t id, char buf[static KEYS_MAX]);
struct str keys_listed(struct str room, char buf[static KEYS_MAX]);
struct str keys_conn(struct str id, char buf[static KEYS_MAX]);
struct str keys_block(uint64_t user, char buf[static KEYS_MAX]);
struct str keys_pref(struct str room, char buf[static KEYS_MAX]);
struct str keys_bot(uint64_t bot, char buf[static KEYS_MAX]);
struct str keys_ended(uint64_t session, char buf[static KEYS_MAX]);

#endif
