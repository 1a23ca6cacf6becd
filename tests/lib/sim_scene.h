/* sim_scene.h: nodes on one disk and a few clients in the simulator, who do what
 * the test says: for scenes too particular for a story (lib/sim_story.h). What
 * must always hold is checked at every step. */
#ifndef LIB_SIM_SCENE_H
#define LIB_SIM_SCENE_H

#include "lib/bus_model.h"
#include "lib/redis_model.h"
#include "lib/sim_client.h"
#include "lib/sim_mover.h"
#include "lib/sim_node.h"
#include "lib/sim_pipe.h"

enum { SIM_SCENE_NODES = 3, SIM_SCENE_CLIENTS = 3, SIM_SCENE_PIPES = 2 };

/* The clients are ana, ben and cat. */
struct sim_scene {
    struct sim *sim;
    struct rng rng;
    struct sim_disk disk;
    struct bus_model *buses;
    struct redis_model *other_redis; /* of nodes that came before the last sim_scene_redis */
    struct redis_model *redis;       /* instead, each node by the way of its number; or NULL */
    struct sim_node *nodes[SIM_SCENE_NODES];
    unsigned nodes_n;
    struct io_host *host;
    struct sim_crowd crowd;
    struct sim_client clients[SIM_SCENE_CLIENTS], seconds[SIM_SCENE_CLIENTS];
    struct sim_mover movers[SIM_SCENE_CLIENTS]; /* of those who move */
    bool moves;
    FILE *log_to; /* the log of nodes to come; NULL: nowhere */
    struct sim_pipe pipes[SIM_SCENE_PIPES];
    unsigned pipes_n;
    uint64_t until_ms;
    struct gw_outlet *outlet; /* of nodes to come; or NULL */
    bool swapped; /* the disk is not the one that they wrote to: what they were told is not checked
                     any more */
    bool over;
};

/* nodes: how many there are to be; sim_scene_start starts one, with further flags
 * (ended by NULL; NULL: none). */
void sim_scene_begin(struct sim_scene *s, unsigned nodes, uint64_t seed, struct sim_faults faults);
void sim_scene_start(struct sim_scene *s, const char *const *args, unsigned workers);

/* Before the first node: the data is in a model of DynamoDB. */
void sim_scene_dynamo(struct sim_scene *s, uint64_t seed);

/* Nodes to come hear of each other by a model of Redis, of their own if there was one
 * before (once); before the first node or between two. */
void sim_scene_redis(struct sim_scene *s, uint64_t seed);

/* The client comes, to that node, and follows the room. */
void sim_scene_enter(struct sim_scene *s, unsigned client, unsigned node, const char *room);

/* Another connection of HTTP to that node, open when this returns. */
struct sim_pipe *sim_scene_pipe(struct sim_scene *s, unsigned node, const struct sim_pipe_ops *ops,
                                void *ctx);

/* From now on clients who are told to move do so as the real one does; `clients` are
 * then not always those in use: movers[i].line is. */
void sim_scene_moves(struct sim_scene *s);

/* One step of the world; some time of it; until everybody was shown everything,
 * which fails the test after ms. */
void sim_scene_step(struct sim_scene *s);
void sim_scene_pass(struct sim_scene *s, uint64_t ms);
void sim_scene_settle(struct sim_scene *s, uint64_t ms);

/* The clients look at what they have been asked for. */
void sim_scene_nudge(struct sim_scene *s);

/* n messages of that length, by the connection that the client uses. */
void sim_scene_send(struct sim_scene *s, unsigned client, const char *room, unsigned n,
                    unsigned length);

/* Everything ends; the disk is looked at. */
void sim_scene_end(struct sim_scene *s);

#endif
