#include "bus/bus_login.h"

#include "aws/elasticache.h"
#include "aws/signer.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/child.h"
#include "io/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SERVERLESS "serverless:"

enum { COMMAND_MS = 10000 };

struct bus_login {
    struct bus_login_options o;
    struct signer *signer; /* of IAM */
    struct sigv4_key key;
};

/* Its line, without the line's end. What it printed is in no message. */
static bool print_password(const char *command, struct buf *out, char why[static BUS_REDIS_WHY_MAX])
{
    int r = child_output(command, COMMAND_MS, out);
    struct str all = buf_peek(out);

    assert(command[0] != '\0');
    if (r == 0) {
        while (all.n > 0 && (all.p[all.n - 1] == '\n' || all.p[all.n - 1] == '\r'))
            all.n--;
        out->wpos = out->rpos + all.n;
    }
    if (r == 0 && all.n > 0)
        return true;
    (void)snprintf(why, BUS_REDIS_WHY_MAX, "bus-password-command: %s",
                   r == 0            ? "it printed no password"
                   : r == -ETIMEDOUT ? "it did not end within 10 s"
                   : r == -EFBIG     ? "it printed more than a password"
                   : r == -ECHILD    ? "it failed"
                                     : strerror(-r));
    return false;
}

static bool sign_password(struct bus_login *l, struct str user, struct buf *out,
                          char why[static BUS_REDIS_WHY_MAX])
{
    struct credentials_snapshot *snapshot = signer_snapshot(l->signer);
    struct elasticache_login login = {
        .cache = str_of(l->o.cache), .user = user, .region = str_of(signer_region(l->signer))};
    bool made;

    assert(l->signer != NULL);
    if (str_starts(login.cache, STR(SERVERLESS))) {
        login.serverless = true;
        login.cache = str_skip(login.cache, sizeof(SERVERLESS) - 1);
    }
    made = elasticache_password(&l->key, &snapshot->keys, &login, process_wall_ms() / 1000, out);
    credentials_unref(snapshot);
    if (!made)
        (void)snprintf(why, BUS_REDIS_WHY_MAX,
                       "bus-iam: there is no user in the bus' URL, or the cache's name is none");
    return made;
}

bool bus_login_password(void *ctx, struct str user, struct buf *out,
                        char why[static BUS_REDIS_WHY_MAX])
{
    struct bus_login *l = ctx;

    return l->signer != NULL ? sign_password(l, user, out, why)
                             : print_password(l->o.command, out, why);
}

static int open_signer(struct bus_login *l, char ret_why[static BUS_REDIS_WHY_MAX])
{
    struct signer_options o = {.env = l->o.env};
    char why[CREDENTIALS_WHY_MAX];
    int r = signer_open(&o, &l->signer, why);

    if (r < 0) {
        (void)snprintf(ret_why, BUS_REDIS_WHY_MAX, "bus-iam: %.240s", why);
        return r;
    }
    if (signer_region(l->signer)[0] != '\0')
        return 0;
    (void)snprintf(ret_why, BUS_REDIS_WHY_MAX, "bus-iam: nothing says the region: set AWS_REGION");
    return -EINVAL;
}

int bus_login_open(const struct bus_login_options *o, struct bus_login **ret_login,
                   char ret_why[static BUS_REDIS_WHY_MAX])
{
    struct bus_login *l = mem_zeroed(1, sizeof(*l));
    int r = 0;

    assert(o->command[0] != '\0' || o->cache[0] != '\0');
    l->o = *o;
    if (o->command[0] != '\0' && o->cache[0] != '\0') {
        (void)snprintf(ret_why, BUS_REDIS_WHY_MAX,
                       "bus-password-command and bus-iam: give one of them");
        r = -EINVAL;
    } else if (o->cache[0] != '\0') {
        r = open_signer(l, ret_why);
    }
    if (r < 0) {
        bus_login_close(l);
        return r;
    }
    *ret_login = l;
    return 0;
}

void bus_login_close(struct bus_login *l)
{
    if (l == NULL)
        return;
    signer_close(l->signer);
    sigv4_key_fini(&l->key);
    free(l);
}
