/* gateway.h: one API that is served: the data that the parts of the gateway share, its clock
 * and its dice. One thread.
 *
 *   front ──▶ client (a WebSocket) ──▶ dispatch ──▶ function, or HTTP ──▶ back to the client
 *     ├─────▶ management (@connections) ──▶ client
 *     └─────▶ functions' invoke API, /metrics
 *
 * The gateway's clock runs `speed` times as fast as the machine's: the limits of connections
 * go by it, and what events say. Time-outs of integrations and the ages of signatures go by
 * the machine's, since the other side does not run faster. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "base/map.h"
#include "base/rng.h"
#include "gateway/api.h"
#include "gateway/inlet.h"
#include "gateway/meter.h"
#include "gateway/occasion.h"
#include "wire/sigv4.h"

struct functions;
struct http_client;

/* What may be asked with: the access keys of @connections. */
struct gateway_key {
    char *id, *secret;
    bool denied; /* known, but without execute-api:ManageConnections */
    struct sigv4_key derived;
};

/* A token bucket: `rate` a second, `burst` at once; 0: no limit. */
struct gateway_bucket {
    unsigned rate, burst;
    uint64_t full_at_us; /* monotonic: when it is full again */
};

/* Documented limits, and what is not known of AWS: each is a setting. */
struct gateway_limits {
    size_t frame_max, message_max, post_max, buffer_max;
    uint64_t idle_ms, life_ms;
    uint64_t timeout_max_ms;       /* of integrations */
    unsigned flying_max;           /* messages of one connection at an integration */
    uint16_t idle_code, life_code; /* [?] */
    bool ping_counts;              /* [?] a ping keeps a connection from being idle */
    unsigned connect_failed;       /* [?] status when the integration of $connect fails, */
    unsigned connect_late;         /* [?] or takes too long, */
    unsigned connect_incomplete;   /* [?] or a required parameter is missing */
    bool check_signatures;
};

/* Chances are per mille. */
struct gateway_faults {
    unsigned lose_disconnect, duplicate, reorder, throttle;
    uint64_t reorder_ms;   /* the longest that an event is held back */
    uint64_t gone_late_ms; /* so long a POST to a connection that ended is answered by 200 */
};

struct gateway {
    const struct api *api;
    struct gateway_limits limits;
    struct gateway_faults faults;
    struct gateway_key *keys;
    size_t keys_n;
    struct gateway_bucket connects, calls; /* new connections; requests of all kinds */
    struct gateway_bucket *routes;         /* one for each of the api's */
    struct io *io;
    struct http_client *http;
    struct functions *functions; /* NULL: none */
    struct wheel wheel;
    struct rng rng;
    struct inlet_set inlets;
    struct map clients;     /* by connection id */
    struct list open;       /* clients: those whose connection is not over */
    size_t open_n;          /* of them, those that were accepted, */
    uint64_t opened_sum_ms; /* and the sum of when, by the gateway's clock */
    struct occasion_api about;
    char id[16];
    char domain[128];
    struct meter meter;
    uint64_t started_ms, started_wall_ms;
    size_t flying; /* events at integrations */
    unsigned speed;
    bool loud; /* says what happens on standard error */
    bool ended;
};

/* Unix time by the gateway's clock. */
uint64_t gateway_wall_ms(struct gateway *g);

/* Sets a timer of g->wheel after a time of the gateway's clock; never at once. */
void gateway_after(struct gateway *g, struct wheel_timer *t, uint64_t ms);

/* A new id of a connection, a request or a message. */
void gateway_make_id(struct gateway *g, char ret_id[static OCCASION_ID_N]);

/* Does the bucket have another? Takes it. */
bool gateway_take(struct gateway *g, struct gateway_bucket *b) MUST_CHECK;

/* The same of the route's own bucket. */
bool gateway_take_route(struct gateway *g, const struct api_route *r) MUST_CHECK;

/* Milliseconds that connections were open, ended ones too, by the gateway's clock. */
uint64_t gateway_connected_ms(struct gateway *g);

/* One line on standard error, if the gateway is loud. */
void gateway_say(const struct gateway *g, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
