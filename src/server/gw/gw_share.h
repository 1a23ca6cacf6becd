/* gw_share.h: homes that a worker gives away while its node serves on: behind a balancer whose
 * weights change, as many as the weights say (polylog drain --share). */
#ifndef SERVER_GW_GW_SHARE_H
#define SERVER_GW_GW_SHARE_H

struct worker;

/* So many percent of the worker's are given away (server/gw/gw_give.h), instead of those that were
 * to be until now. */
void gw_share_give(struct worker *w, unsigned percent);

/* None is any more. */
void gw_share_stay(struct worker *w);

#endif
