/* trace_outlet.h: where a node's spans go: a collector's address, an HTTP client of their own, and
 * who signs, if the collector is that of AWS X-Ray. All workers of a node share it. */
#ifndef TRACE_TRACE_OUTLET_H
#define TRACE_TRACE_OUTLET_H

#include "aws/aws_env.h"
#include "conf/conf.h"
#include "io/http_client.h"

enum { TRACE_OUTLET_WHY_MAX = 256, TRACE_HEADERS_MAX = 8 };

struct signer;

struct trace_outlet {
    struct http_client *client;
    struct signer *signer; /* NULL: requests are not signed */
    const char *url;
    char region[64];
    unsigned share; /* how many of 1000 traces are told of */
    /* From the loops' clocks to Unix time, the same for all, so that spans of a trace fit each
     * other; 0: not known yet. Atomic: see trace_outlet_offset. */
    int64_t offset_us;
};

/* One request, of its loop; embedded, zero but for trace_outlet_post_init. */
struct trace_post {
    struct http_request http;
    struct buf signature;
    const char *headers[TRACE_HEADERS_MAX];
    struct trace_outlet *outlet;
    struct io *home;
    void (*done)(struct trace_post *post,
                 bool taken); /* on home, never within the submitting call */
    unsigned timeout_ms;
    size_t answer_max;
    struct str body; /* stays until done */
};

/* Opens what c says; *ret_outlet is NULL without --traces. Blocks until there are credentials, if
 * requests are to be signed. 0, or -errno and a sentence for a person. c and env stay. */
int trace_outlet_open(const struct conf *c, const struct aws_env *env,
                      struct trace_outlet **ret_outlet,
                      char ret_why[static TRACE_OUTLET_WHY_MAX]) MUST_CHECK;

/* What is under way ends as not taken; loops that wait for it must still exist. */
void trace_outlet_close(struct trace_outlet *o); /* NULL is fine */
void trace_outlet_free(struct trace_outlet *o);  /* closed; NULL is fine */

void trace_outlet_post_init(struct trace_post *p);
void trace_outlet_post_fini(struct trace_post *p);

/* Sends p->body. False if it cannot be signed: done is not called then. */
bool trace_outlet_post(struct trace_outlet *o, struct trace_post *p) MUST_CHECK;

/* Returns what brings a loop's clock to Unix time, and looks whether that is right still. */
int64_t trace_outlet_offset(struct trace_outlet *o, struct io *io);

/* Finds the region of an address of X-Ray's OTLP endpoint, https://xray.REGION.amazonaws.com/...;
 * False if it is another. */
bool trace_outlet_region(const char *url, char ret_region[static 64]) MUST_CHECK;

#endif
