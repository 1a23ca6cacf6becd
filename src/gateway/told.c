#include "gateway/told.h"

#include "base/str.h"

#include <stdio.h>

enum { NAME_MAX_BYTES = 300 };

static const struct {
    const char *header, *source;
} told[] = {
    {"X-Ws-Connection-Id", "context.connectionId"},
    {"X-Ws-Event", "context.eventType"},
    {"X-Ws-Route", "context.routeKey"},
    {"X-Ws-Api", "context.apiId"},
    {"X-Ws-Domain", "context.domainName"},
    {"X-Ws-Stage", "context.stage"},
    {"X-Ws-Source-Ip", "context.identity.sourceIp"},
    {"X-Ws-Connected-At", "context.connectedAt"},
    {"X-Ws-Principal", "context.authorizer.principalId"},
    {"X-Ws-Message-Id", "context.messageId"},
};

void told_header(struct api_integration *in, struct str header, struct str source)
{
    char name[NAME_MAX_BYTES];

    (void)snprintf(name, sizeof(name), "integration.request.header.%.*s", STR_ARGS(header));
    if (api_pairs_get(&in->parameters, str_of(name)) == NULL)
        api_pairs_add(&in->parameters, str_of(name), source);
}

void told_all(struct api_integration *in)
{
    for (size_t i = 0; i < COUNTOF(told); i++)
        told_header(in, str_of(told[i].header), str_of(told[i].source));
}
