/* issuer.h: the keys of an outside issuer: read from a file, or fetched and refreshed
 * in the background, and handed to every worker as an immutable set.
 *
 *   due, or wanted --> description --> keys --ok--> all workers; due when they are old
 *        ^                 |            |
 *        +--- later -------+-- failed --+      the last good set stays, until it is stale
 *
 * How often: as Cache-Control says, between 5 minutes and a day; an hour if it says
 * nothing. Sooner when a token names a key that is not there, but at most once in
 * jwks-again. While it fails the node is degraded; jwks-stale after the last success
 * the set is taken from the workers, and tokens of the issuer are refused.
 *
 * All of it is worker 0's, but what says otherwise. */
#ifndef SERVER_NODE_ISSUER_H
#define SERVER_NODE_ISSUER_H

#include "chat/people/identity.h"

#define ISSUER_WHY_MAX 512

struct issuer;
struct server;

/* Sets *ret_issuer, to NULL if the settings name none. Returns 0; else ret_why says what is wrong
 * with the settings, for a person. Reads a file where the keys are in one. */
int issuer_new(struct server *s, struct issuer **ret_issuer,
               char ret_why[static ISSUER_WHY_MAX]) MUST_CHECK;

/* For people_init; NULL if i is. */
const struct identity_options *issuer_options(const struct issuer *i);

/* Reads or asks for the keys. NULL, or why a file of them is of no use. */
const char *issuer_start(struct issuer *i);

/* Fetches the keys now, unless they are from a file. NULL is fine. */
void issuer_refresh(struct issuer *i);

/* What the file holds. NULL if there is none (or i is NULL), or it is of no use: then
 * ret_why says why. Blocks; any thread, until issuer_free. */
struct jwks *issuer_read(const struct issuer *i, char ret_why[static ISSUER_WHY_MAX]) MUST_CHECK;

/* The keys that were read; they become the workers'. */
void issuer_take(struct issuer *i, struct jwks *keys);

/* Nothing is asked for any more; an answer may still come. NULL is fine. */
void issuer_stop(struct issuer *i);

/* Once a second: metrics. NULL is fine. */
void issuer_second(struct issuer *i);

/* Any thread: did the last attempt fail? NULL is fine. */
bool issuer_is_failing(const struct issuer *i);

/* The http client must be closed and every loop freed. NULL is fine. */
void issuer_free(struct issuer *i);

#endif
