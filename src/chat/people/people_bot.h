/* people_bot.h: bots: users who are machines, with an owner. A bot is a script's kind of user
 * (`b<name>`, chat/model/keys.h), which nobody logs in as; it speaks by API keys, which its owner
 * makes. Two records say whose it is:
 *
 *   u:<bot>    bot         "<owner> <made>": whose it is. A script that `polylog token` made has
 *                          none: it is the server's owner's
 *   u:<owner>  bot:<bot>   "<name>": the list of one's bots
 *
 * The commands are in chat/people/people_bot_make.h.
 *
 * What a bot says is marked as a bot's by the server, in the entry: whoever gives `send` by an API
 * key is looked up once by each worker, as nobody ever becomes a bot or ceases to be one. On the
 * people's loop. */
#ifndef CHAT_PEOPLE_PEOPLE_BOT_H
#define CHAT_PEOPLE_PEOPLE_BOT_H

#include "base/list.h"
#include "base/map.h"
#include "chat/room/call.h"

enum {
    PEOPLE_BOTS_MAX = 20,         /* of a person */
    PEOPLE_BOTS_KNOWN_MAX = 4096, /* users that a worker remembers */
};

struct people_bots;

/* Goes on with a call: see people_bot_look. */
typedef void people_bot_next_f(struct people_bots *b, struct call *call);

/* Who was found to be a bot, or not. */
struct people_bots {
    struct owner *owner;
    struct map known;
    struct list recent; /* the known, those found longest ago first */
};

void people_bot_init(struct people_bots *b, struct owner *owner);
void people_bot_fini(struct people_bots *b);

/* The user's record, as it was read for an API key, says so. */
void people_bot_learn(struct people_bots *b, uint64_t user, bool is_bot);

/* send: finds out whether the caller is a bot, and notes that in the call: then, perhaps before it
 * returns, next goes on with it, in the order of the calls; or the call has ended: who is no bot
 * wants to look like one. */
void people_bot_look(struct people_bots *b, struct call *call, people_bot_next_f *next);

/* Reads whose the bot is: done is told on o's loop; people_bot_owner then says so: 0: nobody's, or
 * it is none. False: the store failed, and the call has ended. */
void people_bot_ask(struct owner *o, struct call *call, uint64_t bot, store_done_f *done);
bool people_bot_owner(struct call *call, uint64_t *ret_owner) MUST_CHECK;

#endif
