/* engine.h: the stores that a configuration or a name means, opened with all that they
 * need: credentials, a client, a region. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "conf/conf.h"
#include "engine/place.h"
#include "io/host.h"
#include "store/store.h"

enum { ENGINE_WHY_MAX = 256 };

/* Told, on any thread, why what a store stands on does not work; of credentials also
 * that it does again: why is NULL. */
struct engine_listener {
    void (*told)(void *ctx, const char *what, const char *why); /* what: "store", ... */
    void *ctx;
};

/* The store that serve uses as c says; the listener may be NULL. Blocks until there are
 * credentials, if it needs any. ret_place: where it is (engine/place.h). 0, or -errno and a
 * sentence for a person. */
int engine_open(const struct conf *c, struct io_host *host, const struct engine_listener *l,
                struct store **ret_store, char ret_place[static PLACE_MAX],
                char ret_why[static ENGINE_WHY_MAX]) MUST_CHECK;

/* What a store in DynamoDB stands on, lent to others until it is closed; NULL: it has none. */
struct engine_lent {
    struct signer *signer;
    struct http_client *client;
};

/* The same by a name. */
struct engine_named {
    const char *name;                       /* sqlite:DIR, dynamodb or dynamodb:PREFIX */
    bool must_exist;                        /* a database that is not there is not made */
    const struct engine_listener *listener; /* or NULL */
    struct engine_lent *ret_lent;           /* or NULL */
};
int engine_open_named(const struct conf *c, struct io_host *host, const struct engine_named *n,
                      struct store **ret_store, char ret_why[static ENGINE_WHY_MAX]) MUST_CHECK;

#endif
