/* server.h: a node: its workers, their store and bus, where it listens, how it
 * starts and stops. Everything that several workers read is here, and does not
 * change once they serve. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "aws/aws_env.h"
#include "bus/bus.h"
#include "conf/conf.h"
#include "io/host.h"
#include "server/log.h"
#include "server/token_keys.h"
#include "server/worker.h"
#include "store/store.h"

struct accept;
struct boot;
struct http_client;
struct issuer;
struct reload;
struct revoked;
struct task;

#define SERVER_SECRET_MAX 128
#define SERVER_WHY_MAX 512

enum server_phase {
    SERVER_STARTING,
    SERVER_SERVING,
    SERVER_MOVING,   /* serves, and asks its clients to go to another node */
    SERVER_DRAINING, /* ends */
    SERVER_ENDED,
};

/* What a node is made of; all of it outlives the server. */
struct server_options {
    const struct conf *conf;
    struct io_host *host;
    struct store *store;
    struct bus *bus;
    struct http_client *http;  /* NULL unless server_needs_http */
    const struct aws_env *aws; /* what AWS says of the process; or NULL */
    struct log_sink *log;
    const char *version;
    /* Told, on worker 0, once it serves; and why it could not. */
    void (*serving)(void *ctx, const struct server *s);
    void (*failed)(void *ctx, const char *why);
    /* Told, on worker 0, before it serves: the store's id. NULL: nobody wants to know. */
    void (*identified)(void *ctx, struct str id);
    /* Told, on worker 0, that it cannot end: the log says what it waits for. The
     * process is to exit, now and without server_free. */
    void (*stuck)(void *ctx);
    void *ctx;
    unsigned workers;
    bool echo;     /* no chat: every WebSocket is answered by what it sends */
    int inherited; /* first of the listening descriptors that systemd opened */
    unsigned inherited_n;
};

struct server {
    struct server_options o;
    const struct conf *conf;
    struct worker *workers;
    unsigned workers_n;
    uint8_t hash_key[16];
    char secret[SERVER_SECRET_MAX]; /* signs tokens, without token-key */
    size_t secret_n;
    struct token_keys keys;    /* of tokens; set before it serves */
    struct issuer *issuer;     /* NULL: there is none */
    struct task *task;         /* worker 0's; NULL: it is no task of ECS */
    char owner_code[40];       /* of the owner link, while nobody has used it; else empty */
    _Atomic int phase;         /* enum server_phase */
    unsigned settled_n;        /* how often workers had nothing left to do: worker 0's */
    struct accept *accept;     /* worker 0's */
    struct boot *boot;         /* worker 0's */
    bool booting;              /* worker 0's */
    struct reload *reload;     /* worker 0's */
    struct revoked *revoked;   /* worker 0's; NULL: no other nodes */
    _Atomic uint64_t probe_ms; /* when a probe set out that is not back; 0: none */
    _Atomic bool probe_failed; /* the last one */
    uint64_t probe_us;
    struct store_put probe;
    struct wheel_timer probe_timer, stuck_timer, stop_timer;
    uint64_t moving_ms; /* since when it moves; of worker 0's time, and worker 0's */
    bool stopping;      /* will end when its clients have moved; worker 0's */
    uint64_t started_ms;
};

/* Must there be a client for requests to other services, by the settings, or by what AWS
 * says of the process (or NULL)? */
bool server_needs_http(const struct conf *c, const struct aws_env *aws) MUST_CHECK;

/* Makes the workers. 0, or -errno and a sentence for a person. */
int server_new(const struct server_options *o, struct server **ret_server,
               char ret_why[static SERVER_WHY_MAX]) MUST_CHECK;

/* Starts the workers' loops on the host; serving or failed is told. 0 or -errno. */
int server_start(struct server *s) MUST_CHECK;

/* Every loop must have ended. */
void server_free(struct server *s);

/* Any thread: from now on it is not ready, and asks its clients, one after another,
 * to go to another node, for drain-ms; then it closes who is left. It goes on to
 * serve who comes. Not before it serves. */
void server_drain(struct server *s);

/* Any thread: it is ready again, and asks nobody any more. */
void server_undrain(struct server *s);

/* Connections of those who chat, by whichever door. Any thread. */
uint64_t server_sockets(const struct server *s);

/* Any thread: asks its clients to move, if there are other nodes and it has not done
 * so, or goes on with that; then stops accepting, closes who is left, finishes, ends.
 * A second time: without waiting for them. Then the loops end; or, within drain-ms
 * and 22 s, stuck is told. */
void server_stop(struct server *s);

/* Any thread: what stands in files is read again (server/reload.h): the certificate and its
 * key, for connections to come, and the issuer's keys, which are fetched otherwise. */
void server_reload(struct server *s);

/* Any thread: the bus came up or went down; the log says so. why: a sentence. */
void server_bus_changed(struct server *s, bool up, const char *why);

/* Any thread: what the store or its credentials stand on does not work, and why; why NULL:
 * it does again. The log says so. what stays. */
void server_engine_told(struct server *s, const char *what, const char *why);

/* A shared dependency fails, or is slow: the node goes on. Any worker; now_ms is
 * its time. */
bool server_is_degraded(const struct server *s, uint64_t now_ms);

/* Are this process's own loops and its store's threads moving? NULL, or what is
 * stuck. Any worker. */
const char *server_stuck(const struct server *s, uint64_t now_ms);

/* A new connection for the worker with the fewest. Worker 0. */
void server_hand_over(struct server *s, int fd, bool secure);

/* What the start came to (server/boot.h); why: NULL, or what failed. */
void server_booted(struct server *s, const char *why);

/* Has worker 0 requests of the server's own under way: the start's, a probe? */
bool server_is_asking(const struct server *s);

/* A worker has nothing left to do; or waits in vain for something. On its loop. */
void server_worker_settled(struct server *s, struct worker *w);
void server_worker_stuck(struct server *s, struct worker *w);

#endif
