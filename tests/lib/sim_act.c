#include "lib/sim_act.h"

#include "base/str.h"
#include "lib/sim_client.h"

#include <string.h>

enum { FLOOD = 20000 /* frames */ };

const char *const sim_act_rooms[SIM_ACT_ROOMS] = {"general", "garden", "cellar", "attic"};

static bool chance(struct sim_act *s, unsigned per_mille)
{
    return rng_chance(s->rng, per_mille);
}

static uint64_t below(struct sim_act *s, uint64_t n)
{
    return rng_below(s->rng, n);
}

static unsigned text_length(struct sim_act *s)
{
    if (chance(s, 50))
        return 500 + (unsigned)below(s, 3000);
    return (unsigned)below(s, 40);
}

static void do_send(struct sim_act *s, struct sim_client *c, unsigned room)
{
    struct sim_op *op = sim_client_ask(c, SIM_OP_SEND, room);

    if (op == NULL)
        return;
    op->text_seed = rng_u64(s->rng);
    op->text_n = text_length(s);
    if (chance(s, 100))
        op->target = below(s, c->rooms[room].seen + 1);
}

static void do_burst(struct sim_act *s, struct sim_client *c, unsigned room)
{
    for (uint64_t n = 5 + below(s, 30); n > 0; n--)
        do_send(s, c, room);
    if (chance(s, 500))
        sim_client_hurry(c);
}

static void do_again(struct sim_act *s, struct sim_client *c)
{
    const struct sim_sent *sent;
    struct sim_op *op;

    sim_client_hurry(c);
    if (c->sent_n == 0)
        return;
    sent = &c->sent[below(s, MIN(c->sent_n, (unsigned)SIM_CLIENT_SENT))];
    op = sim_client_ask(c, chance(s, 700) ? SIM_OP_AGAIN : SIM_OP_FALSE, sent->room);
    if (op == NULL)
        return;
    memcpy(op->cid, sent->cid, sizeof(op->cid));
    op->seen = sent->seen;
    op->seq = sent->seq;
    op->text_seed = sent->text_seed;
    op->target = sent->target;
    op->text_n = sent->text_n;
}

static void do_change(struct sim_act *s, struct sim_client *c, unsigned room)
{
    static const char *const emoji[] = {"\xf0\x9f\x91\x8d", "\xe2\x9d\xa4\xef\xb8\x8f",
                                        "\xf0\x9f\x98\x80"};
    uint64_t kind = below(s, 3), target = 1 + below(s, c->rooms[room].seen + 1);
    struct sim_op *op;

    if (c->sent_n > 0 && chance(s, 700)) {
        const struct sim_sent *sent = &c->sent[below(s, MIN(c->sent_n, (unsigned)SIM_CLIENT_SENT))];

        room = sent->room;
        target = sent->seq;
    }
    op = sim_client_ask(c,
                        kind == 0   ? SIM_OP_EDIT
                        : kind == 1 ? SIM_OP_REACT
                                    : SIM_OP_DELETE,
                        room);
    if (op == NULL)
        return;
    op->target = target;
    op->word = emoji[below(s, COUNTOF(emoji))];
    op->on = chance(s, 700);
    op->text_seed = rng_u64(s->rng);
    op->text_n = text_length(s);
}

/* The first client owns the private rooms, and rules the others. */
static void do_member(struct sim_act *s)
{
    static const char *const roles[] = {"member", "member", "member",    "none",
                                        "banned", "muted",  "moderator", "kick"};
    struct sim_client *c = &s->clients[0];
    const struct sim_client *who = &s->clients[below(s, s->clients_n)];
    unsigned room = sim_client_room(c, sim_act_rooms[1 + below(s, SIM_ACT_ROOMS - 1)]);
    const char *word;
    struct sim_op *op;

    if (who->user == 0 || who->user == c->user)
        return;
    word = roles[s->members ? below(s, COUNTOF(roles)) : 0];
    op = sim_client_ask(c, strcmp(word, "kick") == 0 ? SIM_OP_KICK : SIM_OP_MEMBER, room);
    if (op == NULL)
        return;
    op->target = who->user;
    op->word = word;
    if (strcmp(op->word, "muted") == 0)
        op->until = chance(s, 500) ? SIM_WALL_MS + sim_now_ms(s->sim) + below(s, 3000) : 0;
}

static void do_history(struct sim_act *s, struct sim_client *c, unsigned room)
{
    struct sim_op *op = sim_client_ask(c, SIM_OP_MESSAGES, room);

    if (op == NULL)
        return;
    op->on = chance(s, 500);
    op->target = below(s, c->rooms[room].seen + 1);
    op->text_n = 1 + (unsigned)below(s, 100);
}

static void do_small(struct sim_act *s, struct sim_client *c, unsigned room)
{
    static const enum sim_op_kind kinds[] = {SIM_OP_TYPING, SIM_OP_READ, SIM_OP_PING};
    struct sim_op *op = sim_client_ask(c, kinds[below(s, COUNTOF(kinds))], room);

    if (op != NULL)
        op->target = c->rooms[room].seen;
}

static void do_dm(struct sim_act *s, struct sim_client *c)
{
    const struct sim_client *who = &s->clients[below(s, s->clients_n)];
    struct sim_op *op;

    if (who->user == 0 || who->user == c->user)
        return;
    op = sim_client_ask(c, SIM_OP_DM, 0);
    if (op != NULL)
        op->target = who->user;
}

/* Another client of the same person; c: none was found. */
static struct sim_client *some_other(struct sim_act *s, struct sim_client *c)
{
    for (unsigned i = 0; i < 16; i++) {
        struct sim_client *other = &s->clients[below(s, s->clients_n)];

        if (other != c && other->user == c->user)
            return other;
    }
    return c;
}

/* Somebody's session is used by another client of theirs too; or it ends, for both. */
static void do_session(struct sim_act *s, struct sim_client *c)
{
    struct sim_client *other = some_other(s, c);

    if (c->token[0] == '\0')
        return;
    if (other == c || chance(s, 300)) {
        (void)sim_client_ask(c, SIM_OP_LOGOUT, 0);
        return;
    }
    memcpy(other->token, c->token, sizeof(other->token));
    sim_client_cut(other, below(s, 500));
}

static void do_follow(struct sim_act *s, struct sim_client *c, unsigned room)
{
    struct sim_room *r = &c->rooms[room];

    if (r->state == SIM_ROOM_UNWANTED)
        sim_client_want(c, room);
    else if (r->state == SIM_ROOM_FOLLOWED && chance(s, 500))
        (void)sim_client_ask(c, SIM_OP_LEAVE, room);
}

static void do_trouble(struct sim_act *s, struct sim_client *c)
{
    if (s->cuts && chance(s, 500))
        sim_client_cut(c, below(s, 1000));
    else if (s->slow && chance(s, 20))
        sim_client_flood(c, FLOOD, below(s, 20000));
    else if (s->slow)
        sim_client_pause(c, below(s, chance(s, 100) ? 70000 : 3000));
}

static void do_fate(struct sim_act *s)
{
    if (s->crashes && chance(s, 500))
        s->fate = SIM_FATE_CRASH;
    else if (s->drains)
        s->fate = SIM_FATE_DRAIN;
}

static unsigned some_room(struct sim_act *s, struct sim_client *c)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned room = 1 + (unsigned)below(s, SIM_CLIENT_ROOMS - 1);

        if (c->rooms[room].id[0] != '\0' && (c->rooms[room].known || chance(s, 100)))
            return room;
    }
    return 1;
}

void sim_act_once(struct sim_act *s)
{
    struct sim_client *c = &s->clients[below(s, s->clients_n)];
    uint64_t what = below(s, 1000);
    unsigned room;

    if (c->user == 0)
        return;
    room = some_room(s, c);
    if (what < 450)
        do_send(s, c, room);
    else if (what < 480)
        do_burst(s, c, room);
    else if (what < 540)
        do_again(s, c);
    else if (what < 680)
        do_change(s, c, room);
    else if (what < 760)
        do_member(s);
    else if (what < 800)
        do_history(s, c, room);
    else if (what < 835)
        do_small(s, c, room);
    else if (what < 845)
        do_dm(s, c);
    else if (what < 870)
        do_session(s, c);
    else if (what < 920)
        do_follow(s, c, room);
    else if (what < 990)
        do_trouble(s, c);
    else
        do_fate(s);
}
