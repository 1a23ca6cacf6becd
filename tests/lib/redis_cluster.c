#include "lib/redis_cluster.h"

#include "lib/check.h"
#include "lib/ports.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 16384, PATIENCE_MS = 60000, MEET_AGAIN_MS = 4000, MORE_MAX = 48 };

static void start(struct redis_cluster *c, unsigned i, const char *const *more)
{
    struct redis_rig *r = &c->nodes[i];
    char bus[8];
    const char *args[MORE_MAX] = {"--cluster-enabled",
                                  "yes",
                                  "--cluster-node-timeout",
                                  "700",
                                  "--repl-diskless-sync-delay",
                                  "0",
                                  "--dir",
                                  c->dirs[i],
                                  "--cluster-port",
                                  bus};
    unsigned n = 10;

    if (r->bus_port == 0)
        r->bus_port = ports_free();
    (void)snprintf(bus, sizeof(bus), "%u", r->bus_port);
    while (more != NULL && *more != NULL && n + 1 < MORE_MAX)
        args[n++] = *more++;
    redis_rig_start(r, args);
}

static void say(struct redis_cluster *c, unsigned i, const char *command)
{
    const char *answer = redis_rig_say(&c->nodes[i], command);

    if (strcmp(answer, "+OK") != 0)
        fail_msg("%s: %s", command, answer);
}

void redis_cluster_wait(struct redis_cluster *c, unsigned node, const char *command,
                        const char *what)
{
    const char *answer = "";

    for (unsigned ms = 0; ms < PATIENCE_MS; ms += 20) {
        answer = redis_rig_answer(&c->nodes[node], command);
        if (strstr(answer, what) != NULL)
            return;
        (void)usleep(20000);
    }
    fail_msg("%s of node %u has no '%s': %s", command, node, what, answer);
}

static void write_id(struct redis_cluster *c, unsigned i)
{
    const char *id = strchr(redis_rig_answer(&c->nodes[i], "CLUSTER MYID"), '\n');

    assert_non_null(id);
    (void)snprintf(c->ids[i], sizeof(c->ids[i]), "%.40s", id + 1);
}

/* Where the primary's slots begin. */
static unsigned first_of(const struct redis_cluster *c, unsigned primary)
{
    return primary * SLOTS / c->primaries_n;
}

unsigned redis_cluster_of(const struct redis_cluster *c, unsigned slot)
{
    unsigned i = c->primaries_n - 1;

    while (first_of(c, i) > slot)
        i--;
    return i;
}

static void meet(struct redis_cluster *c, unsigned i)
{
    char command[128];

    (void)snprintf(command, sizeof(command), "CLUSTER SET-CONFIG-EPOCH %u", i + 1);
    say(c, i, command);
    if (i < c->primaries_n) {
        (void)snprintf(command, sizeof(command), "CLUSTER ADDSLOTSRANGE %u %u", first_of(c, i),
                       first_of(c, i + 1) - 1);
        say(c, i, command);
    }
    if (i == 0)
        return;
    (void)snprintf(command, sizeof(command), "CLUSTER MEET 127.0.0.1 %u %u", c->nodes[i].port,
                   c->nodes[i].bus_port);
    say(c, 0, command);
}

static void meet_again(struct redis_cluster *c, unsigned i)
{
    char command[128];

    for (unsigned other = 0; other < c->n; other++) {
        (void)snprintf(command, sizeof(command), "CLUSTER MEET 127.0.0.1 %u %u",
                       c->nodes[other].port, c->nodes[other].bus_port);
        if (other != i)
            say(c, i, command);
    }
}

/* A node that did not get a word in in time has forgotten whom it was to meet, though it answers
 * them: it meets them again. */
static void wait_known(struct redis_cluster *c, unsigned i)
{
    char what[64];

    (void)snprintf(what, sizeof(what), "cluster_known_nodes:%u", c->n);
    for (unsigned ms = 0; ms < PATIENCE_MS; ms += 20) {
        if (strstr(redis_rig_answer(&c->nodes[i], "CLUSTER INFO"), what) != NULL)
            return;
        if (ms > 0 && ms % MEET_AGAIN_MS == 0)
            meet_again(c, i);
        (void)usleep(20000);
    }
    redis_cluster_wait(c, i, "CLUSTER INFO", what);
}

void redis_cluster_start(struct redis_cluster *c, unsigned primaries, unsigned replicas,
                         const char *const *more)
{
    char command[128];

    *c = (struct redis_cluster){.primaries_n = primaries, .n = primaries + replicas};
    assert_true(c->n <= REDIS_CLUSTER_MAX);
    for (unsigned i = 0; i < c->n; i++) {
        (void)snprintf(c->dirs[i], sizeof(c->dirs[i]), "/tmp/polylog-redis-XXXXXX");
        assert_non_null(mkdtemp(c->dirs[i]));
        start(c, i, more);
        write_id(c, i);
    }
    for (unsigned i = 0; i < c->n; i++)
        meet(c, i);
    for (unsigned i = 0; i < c->n; i++)
        wait_known(c, i);
    (void)snprintf(command, sizeof(command), "CLUSTER REPLICATE %s", c->ids[0]);
    for (unsigned i = primaries; i < c->n; i++)
        say(c, i, command);
    for (unsigned i = 0; i < c->n; i++)
        redis_cluster_wait(c, i, "CLUSTER INFO", "cluster_state:ok");
    for (unsigned i = primaries; i < c->n; i++)
        redis_cluster_wait(c, i, "INFO replication", "master_link_status:up");
}

void redis_cluster_restart(struct redis_cluster *c, unsigned node, const char *const *more)
{
    start(c, node, more);
}

void redis_cluster_move(struct redis_cluster *c, unsigned slot, unsigned from, unsigned to)
{
    char command[128];

    (void)snprintf(command, sizeof(command), "CLUSTER SETSLOT %u IMPORTING %s", slot, c->ids[from]);
    say(c, to, command);
    (void)snprintf(command, sizeof(command), "CLUSTER SETSLOT %u MIGRATING %s", slot, c->ids[to]);
    say(c, from, command);
    (void)snprintf(command, sizeof(command), "CLUSTER SETSLOT %u NODE %s", slot, c->ids[to]);
    say(c, to, command);
    say(c, from, command);
}

void redis_cluster_stop(struct redis_cluster *c)
{
    char path[64];

    for (unsigned i = 0; i < c->n; i++) {
        redis_rig_stop(&c->nodes[i]);
        (void)snprintf(path, sizeof(path), "%s/nodes.conf", c->dirs[i]);
        (void)unlink(path);
        (void)snprintf(path, sizeof(path), "%s/dump.rdb", c->dirs[i]);
        (void)unlink(path);
        (void)rmdir(c->dirs[i]);
    }
    c->n = 0;
}
