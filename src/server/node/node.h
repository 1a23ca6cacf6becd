/* node.h: the data of a node: its settings, its workers, their store and bus, and the parts
 * that worker 0 runs. What several workers read does not change once they serve.
 * server/run/server.h makes, starts and stops a node. */
#ifndef SERVER_NODE_NODE_H
#define SERVER_NODE_NODE_H

#include "aws/aws_env.h"
#include "bus/bus.h"
#include "conf/conf.h"
#include "io/host.h"
#include "server/node/lifecycle.h"
#include "server/node/log.h"
#include "server/node/token_keys.h"
#include "store/store.h"

struct accept;
struct alarms;
struct boot;
struct guard;
struct gw_heir;
struct gw_outlet;
struct http_client;
struct issuer;
struct reload;
struct peers;
struct report;
struct revoked;
struct server;
struct task;
struct trace_outlet;
struct watch;
struct worker;

#define SERVER_SECRET_MAX 128
#define SERVER_RUN_N 16
#define SERVER_STORE_ID_MAX 64
/* So long a start waits for a process before it to let go of data and addresses. */
#define SERVER_PREDECESSOR_MS 10000

/* What a node is made of; all of it outlives the server. */
struct server_options {
    const struct conf *conf;
    struct io_host *host;
    struct store *store;
    struct bus *bus;
    struct http_client *http;  /* NULL unless server_needs_http */
    struct gw_outlet *outlet;  /* NULL without --gateway-path (server/gw/gw_outlet.h) */
    const struct aws_env *aws; /* what AWS says of the process; or NULL */
    struct log_sink *log;
    struct trace_outlet *traces; /* where traces are sent; NULL: nowhere */
    struct log_sink *emf; /* where metrics are written; NULL: nowhere (server/health/report.h) */
    const char *version;
    const char *hostname; /* the machine's own name; may be empty */
    /* Told, on worker 0, once it serves; and why it could not. */
    void (*serving)(void *ctx, const struct server *s);
    void (*failed)(void *ctx, const char *why);
    /* Told, on worker 0, before it serves: the store's id, and the secret of tokens, which the
     * nodes on it share. NULL: nobody wants to know. */
    void (*identified)(void *ctx, struct str id, struct str secret);
    /* Told, on worker 0, that it cannot end: the log says what it waits for. The
     * process is to exit, now and without server_free. */
    void (*stuck)(void *ctx);
    void *ctx;
    unsigned workers;
    bool echo;     /* no chat: every WebSocket is answered by what it sends */
    int inherited; /* first of the listening descriptors that systemd opened */
    unsigned inherited_n;
};

/* What the parts of a node ask of the node. All are required. */
struct node_ops {
    /* Worker 0: what the start came to (server/run/boot.h); why: NULL, or what failed. */
    void (*booted)(struct server *s, const char *why);
    /* Worker 0: the start waits for the store, and why (static): the log says so the first
     * time; from then on the node answers /health and /ready, and refuses everything else. */
    void (*waits)(struct server *s, const char *why);
    /* Any thread: server_drain, server_undrain. */
    void (*drain)(struct server *s);
    void (*undrain)(struct server *s);
    /* A worker has nothing left to do; or waits in vain for something. On its loop. */
    void (*settled)(struct server *s, struct worker *w);
    void (*stuck)(struct server *s, struct worker *w);
};

struct server {
    const struct node_ops *ops;
    struct server_options o;
    const struct conf *conf;
    struct worker *workers;
    unsigned workers_n;
    uint8_t hash_key[16];
    char secret[SERVER_SECRET_MAX]; /* signs tokens, without token-key */
    size_t secret_n;
    struct token_keys keys; /* of tokens; set before it serves */
    char run[SERVER_RUN_N]; /* of this start, random: its tokens and heartbeat name it */
    char store_id[SERVER_STORE_ID_MAX]; /* set before it serves */
    size_t store_id_n;
    uint64_t adopted_n, epoch_shift; /* of the store: admin/store_adopt.h */
    bool restarted;                  /* the store was there before this start */
    struct hasher *hasher;           /* of passwords; NULL: nobody logs in by one */
    struct issuer *issuer;           /* NULL: there is none */
    struct task *task;               /* worker 0's; NULL: it is no task of ECS */
    char owner_code[40];             /* of the owner link, while nobody has used it; else empty */
    struct lifecycle life;           /* moved by worker 0 */
    unsigned settled_n;              /* how often workers had nothing left to do: worker 0's */
    struct accept *accept;           /* worker 0's */
    struct boot *boot;               /* worker 0's */
    struct reload *reload;           /* worker 0's */
    struct peers *peers;             /* worker 0's; NULL: there can be no other nodes */
    unsigned share;                  /* of homes that are to be given away, in percent */
    struct gw_heir *heir;            /* worker 0's; NULL: it is not behind API Gateway */
    struct revoked *revoked;         /* worker 0's; NULL: no other nodes */
    uint64_t revoked_ms;     /* what had ended then is known since the start: worker 0's time, */
    uint64_t revoked_minute; /* and the minute of the store's */
    struct watch *watch;     /* of the store; worker 0's */
    struct alarms *alarms;
    struct report *report; /* worker 0's; NULL: metrics are not written */
    struct guard *guard;   /* whether it is the same store still; worker 0's */
    struct wheel_timer stuck_timer, stop_timer, doors_timer;
    uint64_t doors_until_ms;   /* 0: none was opened yet; worker 0's, as all of the doors' */
    bool doors_told;           /* that an address is waited for */
    bool identified;           /* o.identified was told */
    const char *_Atomic waits; /* for the store, before it serves: why; static */
    uint64_t moving_ms;        /* since when it moves; of worker 0's time, and worker 0's */
    uint64_t started_ms;
};

/* Returns worker 0, which runs what the node does once, and speaks for it. */
static inline struct worker *server_first(const struct server *s)
{
    assert(s->workers_n > 0);
    return s->workers;
}

#endif
