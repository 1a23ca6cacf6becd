#include "bench/plan.h"

#include "base/str.h"
#include "bench/scan.h"
#include "bench/stamp.h"
#include "io/addr.h"

#include <stdio.h>

/* host[:port] of an authority, for addr_resolve. */
static bool host_set(struct plan *p, struct str authority, char why[static PLAN_WHY_N])
{
    char text[PLAN_HOST_N + 8];
    bool bare = authority.n == 0 || memchr(authority.p, ':', authority.n) == NULL ||
                authority.p[authority.n - 1] == ']';
    struct str name, rest;

    if (authority.n == 0 || authority.n >= sizeof(p->host)) {
        (void)snprintf(why, PLAN_WHY_N, "URL: there is no host in it");
        return false;
    }
    (void)snprintf(p->host, sizeof(p->host), "%.*s", STR_ARGS(authority));
    (void)snprintf(text, sizeof(text), "%s%s", p->host, !bare ? "" : p->tls ? ":443" : ":80");
    if (addr_resolve(str_of(text), &p->addr) < 0) {
        (void)snprintf(why, PLAN_WHY_N, "URL: there is no host '%s'", p->host);
        return false;
    }
    rest = str_skip(authority, authority.p[0] == '[' ? 1 : 0);
    name = str_cut(&rest, authority.p[0] == '[' ? ']' : ':');
    (void)snprintf(p->server_name, sizeof(p->server_name), "%.*s", STR_ARGS(name));
    return true;
}

/* Cuts the scheme off; false if it is no server's. */
static bool scheme_cut(struct str *url, bool *ret_tls)
{
    static const struct {
        const char *text;
        bool tls;
    } schemes[] = {{"ws://", false}, {"http://", false}, {"wss://", true}, {"https://", true}};

    for (size_t i = 0; i < COUNTOF(schemes); i++) {
        struct str scheme = str_of(schemes[i].text);

        if (!str_starts(*url, scheme))
            continue;
        *url = str_skip(*url, scheme.n);
        *ret_tls = schemes[i].tls;
        return true;
    }
    return false;
}

static bool url_set(struct plan *p, const char *url, char why[static PLAN_WHY_N])
{
    struct str s = str_of(url);

    if (!scheme_cut(&s, &p->tls)) {
        (void)snprintf(why, PLAN_WHY_N,
                       "URL: '%s' begins with none of ws://, wss://, http:// and https://", url);
        return false;
    }
    struct str authority = str_cut(&s, '/');

    while (s.n > 0 && s.p[s.n - 1] == '/')
        s.n--;
    if (str_eq(s, STR("ws")))
        s.n = 0;
    else if (s.n > 3 && memcmp(s.p + s.n - 3, "/ws", 3) == 0)
        s.n -= 3;
    if (s.n + 1 >= sizeof(p->base)) {
        (void)snprintf(why, PLAN_WHY_N, "URL: its path is too long");
        return false;
    }
    (void)snprintf(p->base, sizeof(p->base), "%s%.*s", s.n > 0 ? "/" : "", STR_ARGS(s));
    return host_set(p, authority, why);
}

static bool prefix_set(struct plan *p, const char *prefix, char why[static PLAN_WHY_N])
{
    size_t n;

    if (*prefix == '\0')
        (void)snprintf(p->prefix, sizeof(p->prefix), "b%06x", p->run);
    else if (strlen(prefix) > PLAN_PREFIX_MAX) {
        (void)snprintf(why, PLAN_WHY_N, "name-prefix: at most %d characters", PLAN_PREFIX_MAX);
        return false;
    } else
        (void)snprintf(p->prefix, sizeof(p->prefix), "%s", prefix);
    n = strlen(p->prefix);
    if (strspn(p->prefix, "abcdefghijklmnopqrstuvwxyz0123456789_-") != n) {
        (void)snprintf(why, PLAN_WHY_N, "name-prefix: only a-z, 0-9, _ and -");
        return false;
    }
    p->prefix_n = n;
    return true;
}

static bool cpu_set(const char *name, const char *text, int *ret_cpu, char why[static PLAN_WHY_N])
{
    uint64_t v;

    *ret_cpu = -1;
    if (*text == '\0')
        return true;
    if (!str_to_u64(str_of(text), &v) || v > 4095) {
        (void)snprintf(why, PLAN_WHY_N, "%s: '%s' is not the number of a CPU", name, text);
        return false;
    }
    *ret_cpu = (int)v;
    return true;
}

static bool pids_set(struct plan *p, const struct conf_list *list, char why[static PLAN_WHY_N])
{
    for (size_t i = 0; i < list->n; i++) {
        uint64_t v;

        if (!str_to_u64(str_of(list->items[i]), &v) || v == 0 || v > INT32_MAX ||
            p->pids_n == PLAN_PIDS_MAX) {
            (void)snprintf(why, PLAN_WHY_N, "pid: '%s' is not a process id (of at most %d)",
                           list->items[i], PLAN_PIDS_MAX);
            return false;
        }
        p->pids[p->pids_n++] = (int)v;
    }
    return true;
}

/* NULL, or what does not fit together. */
static const char *contradiction(const struct plan *p)
{
    if (p->rooms > p->connections)
        return "rooms: more than connections, so that some would be empty";
    if (p->rooms_each > p->rooms)
        return "rooms-each: more than rooms";
    if ((uint64_t)p->rooms * p->publishers + p->slow > p->connections)
        return "publishers and slow-readers: more than there are connections";
    if (p->connections >= STAMP_PUBLISHERS_MAX)
        return "connections: too many";
    if (p->floor && (p->rate > 0 || p->slow > 0 || p->reconnects > 0 || p->rooms_each > 1))
        return "floor: knows no rate, slow-readers, reconnects or rooms-each";
    if (p->floor && p->publishers > 1)
        return "floor: one publisher in each room";
    if (p->floor && p->window < p->conf->floor_join)
        return "floor-join: needs a window at least as large";
    if (p->conf->insecure && p->conf->ca[0] != '\0')
        return "ca and insecure: who is trusted, some or anybody?";
    if (!p->resume && p->window_on == CONF_WINDOW_ON_ALL && p->reconnects > 0)
        return "window-on all: would wait for ever for those who come back without resume";
    return NULL;
}

static void numbers_set(struct plan *p, const struct conf *c)
{
    p->connections = (uint32_t)c->connections;
    p->people = (uint32_t)(c->people == 0 ? c->connections : MIN(c->people, c->connections));
    p->rooms = (uint32_t)(c->pairs ? MAX(c->connections / 2, 1u) : c->rooms);
    p->rooms_each = (uint32_t)c->rooms_each;
    p->publishers = (uint32_t)c->publishers;
    p->slow = (uint32_t)c->slow_readers;
    p->window = (uint32_t)c->window;
    p->rate = (uint32_t)c->rate;
    p->reconnects = (uint32_t)c->reconnects;
    p->payload = (size_t)c->payload;
    p->floor = c->floor;
    p->resume = c->resume;
    p->seen = c->seen;
    p->window_on = c->window_on;
    if (p->floor && p->window_on == CONF_WINDOW_ON_ACK)
        p->window_on = CONF_WINDOW_ON_ALL; /* nothing else is acknowledged there */
}

bool plan_init(struct plan *p, const struct conf *c, uint64_t run, char why[static PLAN_WHY_N])
{
    const char *wrong;

    *p = (struct plan){.conf = c, .run = (uint32_t)(run & 0xffffff)};
    numbers_set(p, c);
    wrong = contradiction(p);
    if (wrong != NULL) {
        (void)snprintf(why, PLAN_WHY_N, "%s", wrong);
        return false;
    }
    return prefix_set(p, c->name_prefix, why) && cpu_set("pin", c->pin, &p->pin, why) &&
           cpu_set("pin-server", c->pin_server, &p->pin_server, why) && pids_set(p, &c->pid, why) &&
           (p->floor || url_set(p, c->url, why));
}

void plan_room_name(const struct plan *p, uint32_t room, char ret_name[static PLAN_NAME_N])
{
    (void)snprintf(ret_name, PLAN_NAME_N, "%s-%05u", p->prefix, room);
}

void plan_person_name(const struct plan *p, uint32_t person, char ret_name[static PLAN_NAME_N])
{
    (void)snprintf(ret_name, PLAN_NAME_N, "%s-%u", p->prefix, person);
}

bool plan_slot(const struct plan *p, uint32_t connection, struct str room, uint32_t *ret_slot)
{
    uint32_t number;

    if (room.n != p->prefix_n + PLAN_SUFFIX_N || memcmp(room.p, p->prefix, p->prefix_n) != 0 ||
        !scan_room_number(room, &number) || number >= p->rooms)
        return false;
    *ret_slot = (number + p->rooms - connection % p->rooms) % p->rooms;
    return *ret_slot < p->rooms_each;
}

uint32_t plan_followers(const struct plan *p, uint32_t room)
{
    uint32_t n = 0;

    for (uint32_t slot = 0; slot < p->rooms_each; slot++) {
        uint32_t first = (room + p->rooms - slot) % p->rooms;

        n += p->connections / p->rooms + (first < p->connections % p->rooms ? 1 : 0);
    }
    return n;
}
