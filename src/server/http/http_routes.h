/* http_routes.h: what is at which address over HTTP. */
#ifndef SERVER_HTTP_HTTP_ROUTES_H
#define SERVER_HTTP_HTTP_ROUTES_H

#include "server/conn/exchange.h"

extern const struct exchange_taker http_routes;

#endif
