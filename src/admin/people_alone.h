/* people_alone.h: the chat's own commands about people, on a store, without a server: for an
 * operator who has the data, and with it all rights. Whoever may read and write the store may do
 * what is done here, so nobody is asked who they are.
 *
 * Of rooms nothing is loaded: commands on rooms are not for it. On one loop, that of its user, who
 * owns the host, the loop and the store. */
#ifndef ADMIN_PEOPLE_ALONE_H
#define ADMIN_PEOPLE_ALONE_H

#include "chat/people/hasher.h"
#include "chat/people/people.h"
#include "io/host.h"
#include "store/store.h"

enum { PEOPLE_ALONE_WHY_MAX = 256, PEOPLE_ALONE_TEXT_MAX = 4096 };

struct people_alone {
    /* The caller's, set before. */
    struct io_host *host;
    struct io *io;
    struct store *store;

    /* Private. */
    struct owner owner;
    struct wheel wheel;
    struct bus *bus;
    struct people people;
    struct people_keys keys;
    struct hasher *hasher;
};

/* A user of the store. */
struct people_alone_user {
    uint64_t id;
    char kind; /* as chat/model/keys.h has it: o, the server's owner; b, a script; ... */
    char name[256];
};

/* 0, or -1 and why: the store does not answer, or is not whole. people_alone_close follows in
 * either case. */
int people_alone_open(struct people_alone *a, char why[static PEOPLE_ALONE_WHY_MAX]) MUST_CHECK;
void people_alone_close(struct people_alone *a);

/* Who has the name. 0, or -1 and why: nobody has it, it is none, or the store failed. */
int people_alone_find(struct people_alone *a, const char *name, struct people_alone_user *ret,
                      char why[static PEOPLE_ALONE_WHY_MAX]) MUST_CHECK;

/* Runs the command, whose parameters are the JSON object in params, as the user, 0: as nobody in
 * particular, with the rights of the server's owner, and appends the members of its answer to ok,
 * {...}. 0, or -1 and the error's text. params is changed. */
int people_alone_run(struct people_alone *a, uint64_t user, enum command_id id, struct buf *params,
                     struct buf *ok, char why[static PEOPLE_ALONE_WHY_MAX]) MUST_CHECK;

#endif
