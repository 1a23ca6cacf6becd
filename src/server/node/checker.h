/* checker.h: asks the service of --check-url about messages (chat/model/hook.h): an HTTP POST for
 * each, signed by --check-secret (wire/webhook.h). One for each worker, on its loop.
 *
 *   ask --POST--> answer 200, application/json, understood --> its verdict
 *          |      none, 429, 5xx --after a moment, under the same webhook-id--> POST again
 *          +----> anything else, or --check-timeout is over --> failed, logged and counted
 *
 * No redirect is followed. A certificate that nobody trusted vouches for is no answer. */
#ifndef SERVER_NODE_CHECKER_H
#define SERVER_NODE_CHECKER_H

#include "chat/model/hook.h"
#include "conf/conf.h"

struct checker;
struct worker;

/* Messages of one worker that are asked about at once. */
enum { CHECKER_ASKED_MAX = 128 };

/* Returns what is wrong with the settings, for a person: static; NULL: nothing. */
const char *checker_wrong(const struct conf *c);

/* Returns NULL if no URL is set. The worker's hook; freed once its loop has ended. */
struct checker *checker_new(struct worker *w);
void checker_free(struct checker *c);
struct hook *checker_hook(struct checker *c);

#endif
