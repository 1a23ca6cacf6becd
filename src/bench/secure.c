#include "bench/secure.h"

#include "io/io_tls.h"

#include <stdio.h>
#include <string.h>

bool secure_open(struct secure *s, const struct plan *plan, struct io *below,
                 char why[static PLAN_WHY_N])
{
    const struct conf *c = plan->conf;
    struct tls_options o = {.ca_file = c->ca[0] != '\0' ? c->ca : NULL,
                            .server_name = c->insecure ? NULL : plan->server_name,
                            .trust_anybody = c->insecure};
    char error[TLS_CONTEXT_ERROR_MAX] = "";
    int r = tls_context_new(&o, &s->context, error);

    if (r == 0)
        r = io_tls_new(below, s->context, 0, &s->io);
    if (r < 0)
        (void)snprintf(why, PLAN_WHY_N, "%s%s", error[0] != '\0' ? "ca: " : "",
                       error[0] != '\0' ? error : strerrordesc_np(-r));
    return r == 0;
}

void secure_close(struct secure *s)
{
    io_free(s->io);
    tls_context_free(s->context);
}

void secure_why(const struct io *io, char ret_why[static PLAN_WHY_N])
{
    struct io_tls_stats stats;

    io_tls_stats(io, &stats);
    if (stats.untrusted)
        (void)snprintf(ret_why, PLAN_WHY_N,
                       "the server's certificate is not trusted: %s; --ca FILE names whom to "
                       "trust, --insecure trusts whoever answers",
                       stats.refusal);
    else
        (void)snprintf(ret_why, PLAN_WHY_N,
                       "the server does not speak TLS with us: %s; is the URL one of --tls-listen?",
                       stats.refusal != NULL ? stats.refusal : "the connection ended");
}
