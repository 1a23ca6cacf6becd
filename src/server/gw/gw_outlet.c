#include "server/gw/gw_outlet.h"

#include "aws/signer.h"
#include "base/mem.h"
#include "serverless/connections.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A POST that is not answered within this is made again. */
#define POST_MS 5000

struct outlet_aws {
    struct gw_outlet outlet;
    struct http_client *client;
    struct signer *signer;
    const char *region;
};

static struct poster *outlet_open(struct gw_outlet *o, struct io *home)
{
    struct outlet_aws *a = CONTAINER_OF(o, struct outlet_aws, outlet);
    struct connections_options options = {.home = home,
                                          .client = a->client,
                                          .region = a->region,
                                          .timeout_ms = POST_MS,
                                          .sign = signer_sign,
                                          .refresh = signer_refresh,
                                          .ctx = a->signer};

    assert(a->signer != NULL);
    return connections_new(&options);
}

static void outlet_close(struct gw_outlet *o, struct poster *p)
{
    (void)o;
    connections_free(p);
}

static int outlet_begin(struct outlet_aws *a, const struct conf *c, const struct aws_env *env,
                        char *why)
{
    struct signer_options so = {.env = env, .ca_file = aws_env_get(env, "AWS_CA_BUNDLE")};
    struct http_options ho = {.connections_max = (unsigned)c->gw_posts, .ca_file = so.ca_file};
    const char *named = aws_env_region(env);
    char text[CREDENTIALS_WHY_MAX];
    int r = signer_open(&so, &a->signer, text);

    if (r < 0) {
        (void)snprintf(why, GW_OUTLET_WHY_MAX,
                       "posting to API Gateway (--gateway-path) needs credentials: %.180s", text);
        return r;
    }
    a->region = c->aws_region[0] != '\0' ? c->aws_region
                : named != NULL          ? named
                                         : signer_region(a->signer);
    if (a->region[0] == '\0') {
        (void)snprintf(why, GW_OUTLET_WHY_MAX,
                       "posting to API Gateway (--gateway-path) needs a region: set AWS_REGION");
        return -EINVAL;
    }
    r = http_client_curl_new(&ho, &a->client);
    if (r < 0)
        (void)snprintf(why, GW_OUTLET_WHY_MAX, "the client for API Gateway cannot start");
    return r;
}

int gw_outlet_aws(const struct conf *c, const struct aws_env *env, struct gw_outlet **ret_outlet,
                  char ret_why[static GW_OUTLET_WHY_MAX])
{
    struct outlet_aws *a = mem_zeroed(1, sizeof(*a));
    int r;

    assert(c->gw_posts > 0);
    a->outlet.open = outlet_open;
    a->outlet.close = outlet_close;
    a->outlet.error = connections_error;
    r = outlet_begin(a, c, env, ret_why);
    if (r < 0)
        gw_outlet_free(&a->outlet);
    else
        *ret_outlet = &a->outlet;
    return r;
}

void gw_outlet_free(struct gw_outlet *o)
{
    struct outlet_aws *a = CONTAINER_OF(o, struct outlet_aws, outlet);

    if (o == NULL)
        return;
    http_client_close(a->client);
    signer_close(a->signer);
    free(a);
}
