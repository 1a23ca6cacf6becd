#include "server/conn/seen.h"

#include "base/str.h"
#include "io/addr.h"
#include "server/conn/conn.h"
#include "server/conn/exchange.h"
#include "server/conn/origin.h"
#include "server/conn/request.h"
#include "server/node/worker.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
static const uint8_t nowhere[16];

static struct agent agent_in(const struct exchange *x)
{
    struct str text;

    return x->request != NULL && http1_get(&x->request->headers, STR("user-agent"), &text)
               ? agent_of(text)
               : (struct agent){0};
}

void seen_come(struct conn *c, const struct exchange *x)
{
    struct io_addr from = origin_client(x);

    c->agent = agent_in(x);
    if (from.family == IO_ADDR_IP6) {
        memcpy(c->from, from.ip, sizeof(c->from));
    } else if (from.family == IO_ADDR_IP4) {
        memcpy(c->from, mapped, sizeof(mapped));
        memcpy(c->from + sizeof(mapped), from.ip, 4);
    }
}

static void seen_note(struct worker *w, const struct caller *who, const struct io_addr *from,
                      struct agent agent, bool begins)
{
    char text[IO_ADDR_TEXT_MAX];
    size_t n = from->family != IO_ADDR_NONE ? addr_format_ip(from, text) : 0;
    struct people_from at = {.place = {(const uint8_t *)text, n},
                             .program = agent_program(agent),
                             .system = agent_system(agent)};

    assert(who->user != 0 && n <= sizeof(text));
    people_seen_note(&w->people.seen, &w->owner, who, &at, begins);
}

static void seen_by(struct conn *own, const struct caller *who, bool begins)
{
    const struct conn *c = conn_socket(own);
    struct io_addr from = {.family = IO_ADDR_NONE};

    if (memcmp(c->from, nowhere, sizeof(c->from)) != 0) {
        from.family = IO_ADDR_IP6; /* what is mapped is written as IPv4 */
        memcpy(from.ip, c->from, sizeof(from.ip));
    }
    seen_note(c->worker, who, &from, c->agent, begins);
}

void seen_conn(struct conn *c, const struct caller *who)
{
    seen_by(c, who, false);
}

void seen_request(const struct request *r, const struct caller *who, bool begins)
{
    struct io_addr from;

    if (r->exchange == NULL) {
        seen_by(r->conn, who, begins);
        return;
    }
    from = origin_client(r->exchange);
    seen_note(r->worker, who, &from, agent_in(r->exchange), begins);
}
