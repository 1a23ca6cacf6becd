/* people_password.h: people who prove who they are by a password: what is kept of it. The commands
 * are in chat/people/people_login.c, people_signup.c and people_change.c.
 *
 * A person's record `password` says it all, so that each change is one put, by the revision that
 * was read: a recovery link is used once, whoever uses it at once, on whichever node.
 *
 *   <hash or -> [r<hash of the link's code>:<expires>] [p<place>]...
 *
 * login with a password does the same work and gives the same answer (bad_login) whether the name
 * is unknown, has no password, or another one: the same reads, one comparison
 * (chat/people/hasher.h). signup is a command of its own: a name that was mistyped at a login makes
 * nobody. It writes the password before the name, so that nobody has a name without it; that a
 * name is taken can be learned by it, as wherever people choose names without an address of mail.
 *
 * When rights change, sessions do: a new password, by `password` or by a recovery link, ends all
 * sessions of the person and answers a new one.
 *
 * The server's owner has their rights by a password, too; so nobody sets the first password of an
 * owner's name but a session that has the rights (chat/people/people_login.c).
 *
 * Where signup is by invite, `people_signup_may` looks at the invite's code. */
#ifndef CHAT_PEOPLE_PEOPLE_PASSWORD_H
#define CHAT_PEOPLE_PEOPLE_PASSWORD_H

#include "chat/people/hasher.h"

/* Places that are known to a name: the last that its person logged in from. */
#define PEOPLE_PLACES_MAX 8
#define PEOPLE_PASSWORD_BODY_MAX 512
/* The hash of a recovery code, in hexadecimal digits. */
#define PEOPLE_RECOVERY_N 32

/* A record. */
struct people_password {
    char hash[HASHER_HASH_MAX];           /* empty: there is none */
    char recovery[PEOPLE_RECOVERY_N + 1]; /* empty: there is none */
    uint64_t recovery_ms;                 /* when it expires: Unix time */
    uint64_t places[PEOPLE_PLACES_MAX];   /* the last one is the newest */
    unsigned places_n;
};

/* The body as it is kept, written to buf. */
struct str people_password_encode(const struct people_password *p,
                                  char buf[static PEOPLE_PASSWORD_BODY_MAX]);

/* False if it is none. */
bool people_password_decode(struct str body, struct people_password *ret_p) MUST_CHECK;

/* Returns true if the place is known; makes it known, and the newest. */
bool people_password_knows(const struct people_password *p, uint64_t place) MUST_CHECK;
void people_password_learn(struct people_password *p, uint64_t place);

/* A wrong guess that another node told of, on the topic. */
#define PEOPLE_GUESSED STR("$guessed")

#endif
