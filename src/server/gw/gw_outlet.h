/* gw_outlet.h: how a node's workers post to connections behind API Gateway: each has a poster
 * (serverless/poster.h) of its own; a node's share one client, and who signs. */
#ifndef SERVER_GW_GW_OUTLET_H
#define SERVER_GW_GW_OUTLET_H

#include "aws/aws_env.h"
#include "conf/conf.h"
#include "serverless/poster.h"

struct io;

struct gw_outlet {
    /* A poster for a loop; and its end: nothing is under way. */
    struct poster *(*open)(struct gw_outlet *o, struct io *home);
    void (*close)(struct gw_outlet *o, struct poster *p);
    /* The name of the error of the poster's last answer that was one; "" if there was none. */
    const char *(*error)(const struct poster *p);
};

enum { GW_OUTLET_WHY_MAX = 256 };

/* To AWS, or what stands in its place, as c says. Blocks until there are credentials. 0, or
 * -errno and a sentence for a person. env stays. */
int gw_outlet_aws(const struct conf *c, const struct aws_env *env, struct gw_outlet **ret_outlet,
                  char ret_why[static GW_OUTLET_WHY_MAX]) MUST_CHECK;

/* Its posters are closed. NULL is fine. */
void gw_outlet_free(struct gw_outlet *o);

#endif
