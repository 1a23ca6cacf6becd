/* server.h: how a node (server/node/node.h) is made, starts and stops. */
#ifndef SERVER_RUN_SERVER_H
#define SERVER_RUN_SERVER_H

#include "server/node/node.h"
#include "server/node/worker.h"

#define SERVER_WHY_MAX 512

/* Returns true if there must be a client for requests to other services, by the settings, or by
 * what AWS says of the process (or NULL). */
bool server_needs_http(const struct conf *c, const struct aws_env *aws) MUST_CHECK;

/* Makes the workers. 0, or -errno and a sentence for a person. */
int server_new(const struct server_options *o, struct server **ret_server,
               char ret_why[static SERVER_WHY_MAX]) MUST_CHECK;

/* Starts the workers' loops on the host; serving or failed is told. 0 or -errno. */
int server_start(struct server *s) MUST_CHECK;

/* Every loop must have ended. */
void server_free(struct server *s);

/* Any thread: from now on the node is not ready, and asks its clients, one after another, to go to
 * another node, for drain-ms; then it closes who is left. The node goes on to serve who comes. Not
 * before it serves. */
void server_drain(struct server *s);

/* Worker 0: so many percent of the connections behind API Gateway whose home the node is, of each
 * worker, are given to other nodes; it serves on. server_undrain ends it. */
void server_share(struct server *s, unsigned percent);

/* Any thread: it is ready again, and asks nobody any more. */
void server_undrain(struct server *s);

/* Any thread: asks its clients to move, if there are other nodes and it has not done so, or goes on
 * with that; then stops accepting, closes who is left, finishes, ends. A second time: without
 * waiting for them. Then the loops end; or, within drain-ms and 22 s, stuck is told. */
void server_stop(struct server *s);

/* Any thread: what stands in files is read again (server/run/reload.h): the certificate and its
 * key, for connections to come, and the issuer's keys, which are fetched otherwise. */
void server_reload(struct server *s);

/* Any thread: the bus came up or went down; the log says so. why: a sentence. */
void server_bus_changed(struct server *s, bool up, const char *why);

/* Any thread: on a channel of the bus there was a message that no node of this system wrote:
 * under another token secret (other_key), or forged. */
void server_bus_refused(struct server *s, bool other_key);

/* Any thread: what the store or its credentials stand on does not work, and why; why NULL:
 * it does again. The log says so. what stays. */
void server_engine_told(struct server *s, const char *what, const char *why);

#endif
