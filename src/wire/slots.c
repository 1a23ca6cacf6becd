#include "wire/slots.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

/* CRC-16/XMODEM, as the specification of Redis Cluster has it. */
static uint16_t crc16(struct str s)
{
    unsigned crc = 0;

    for (size_t i = 0; i < s.n; i++) {
        crc ^= (unsigned)s.p[i] << 8;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    }
    return (uint16_t)crc;
}

uint16_t slots_of(struct str channel)
{
    struct str rest = channel;
    struct str before = str_cut(&rest, '{');
    struct str tag;

    if (before.n < channel.n) {
        size_t n = rest.n;

        tag = str_cut(&rest, '}');
        if (tag.n > 0 && tag.n < n)
            return crc16(tag) % SLOTS_N;
    }
    return crc16(channel) % SLOTS_N;
}

static bool slots_is_name(struct str host)
{
    for (size_t i = 0; i < host.n; i++) {
        uint8_t c = host.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '.' && c != '-' && c != '_' && c != ':')
            return false;
    }
    return host.n < SLOTS_HOST_MAX;
}

/* Its place, new or not; 0: there are too many. */
static uint16_t slots_place_of(struct slots *s, struct str host, uint16_t port)
{
    struct slots_node *n;

    for (unsigned i = 0; i < s->nodes_n; i++)
        if (s->nodes[i].port == port && str_eq(str_of(s->nodes[i].host), host))
            return (uint16_t)(i + 1);
    if (s->nodes_n == SLOTS_NODES_MAX)
        return 0;
    n = &s->nodes[s->nodes_n++];
    (void)snprintf(n->host, sizeof(n->host), "%.*s", STR_ARGS(host));
    n->port = port;
    return (uint16_t)s->nodes_n;
}

/* A node that does not know its own address is "?": nobody can call it. */
static bool take_node(struct slots *s, const struct resp_reply *node, uint16_t *ret_place)
{
    struct str host = {0};

    if (node == NULL || node->type != RESP_ARRAY || node->n < 2 || node->elements[0] == NULL ||
        node->elements[1] == NULL || node->elements[1]->type != RESP_INT ||
        node->elements[1]->i64 < 1 || node->elements[1]->i64 > UINT16_MAX)
        return false;
    if (node->elements[0]->type == RESP_STRING)
        host = node->elements[0]->str;
    else if (node->elements[0]->type != RESP_NIL)
        return false;
    *ret_place = 0;
    if (str_eq(host, STR("?")))
        return true;
    if (!slots_is_name(host))
        return false;
    *ret_place = slots_place_of(s, host, (uint16_t)node->elements[1]->i64);
    return *ret_place > 0;
}

static bool take_range(struct slots *s, const struct resp_reply *range)
{
    int64_t first, last;
    uint16_t place;

    if (range == NULL || range->type != RESP_ARRAY || range->n < 3 || range->elements[0] == NULL ||
        range->elements[1] == NULL || range->elements[0]->type != RESP_INT ||
        range->elements[1]->type != RESP_INT)
        return false;
    first = range->elements[0]->i64;
    last = range->elements[1]->i64;
    if (first < 0 || last < first || last >= SLOTS_N || !take_node(s, range->elements[2], &place))
        return false;
    for (int64_t i = first; i <= last; i++) {
        s->served_n += s->of[i] == 0 && place > 0;
        s->of[i] = place;
    }
    return true;
}

bool slots_read(struct slots *s, const struct resp_reply *answer)
{
    memset(s, 0, sizeof(*s));
    if (answer->type != RESP_ARRAY)
        return false;
    for (unsigned i = 0; i < answer->n; i++)
        if (!take_range(s, answer->elements[i]))
            return false;
    return true;
}
