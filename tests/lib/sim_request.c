/* The frames that a simulated client sends. */
#include "base/json.h"
#include "base/str.h"
#include "lib/sim_client.h"

static const char *const actions[] = {
    [SIM_OP_AUTH] = "auth",     [SIM_OP_RESUME] = "resume",      [SIM_OP_JOIN] = "join",
    [SIM_OP_LEAVE] = "leave",   [SIM_OP_CREATE] = "room_create", [SIM_OP_SEND] = "send",
    [SIM_OP_AGAIN] = "send",    [SIM_OP_FALSE] = "send",         [SIM_OP_EDIT] = "edit",
    [SIM_OP_DELETE] = "delete", [SIM_OP_REACT] = "react",        [SIM_OP_MEMBER] = "member_set",
    [SIM_OP_KICK] = "kick",     [SIM_OP_LOG] = "history",        [SIM_OP_MESSAGES] = "history",
    [SIM_OP_DM] = "dm",         [SIM_OP_TYPING] = "typing",      [SIM_OP_READ] = "read",
    [SIM_OP_PING] = "ping",     [SIM_OP_LOGOUT] = "logout",      [SIM_OP_PRESENCE] = "presence",
};

void sim_request_text(struct buf *b, uint64_t seed, unsigned n)
{
    struct rng rng;

    rng_init(&rng, seed);
    for (unsigned i = 0; i < n; i++)
        buf_append_byte(b, i % 7 == 6 ? ' ' : (uint8_t)('a' + rng_below(&rng, 26)));
    buf_append_byte(b, '!');
}

static void put_text(struct json_out *o, const struct sim_op *op)
{
    struct buf text CLEANUP(buf_fini);

    buf_init(&text, 64 * 1024);
    sim_request_text(&text, op->text_seed + (op->kind == SIM_OP_FALSE), op->text_n);
    json_out_field_str(o, "text", buf_peek(&text));
}

static void put_send(struct json_out *o, const struct sim_op *op)
{
    put_text(o, op);
    json_out_field_str(o, "cid", str_of(op->cid));
    json_out_field_u64(o, "seen", op->seen);
    if (op->target > 0)
        json_out_field_u64(o, "reply_to", op->target);
}

static void put_join(struct json_out *o, const struct sim_room *room)
{
    if (room->known) {
        json_out_field_u64(o, "after", room->asked_after);
        if (room->epoch > 0)
            json_out_field_u64(o, "epoch", room->epoch);
    } else if (room->asked_last > 0) {
        json_out_field_u64(o, "last", room->asked_last);
    }
}

static void put_resume(struct json_out *o, const struct sim_client *c)
{
    json_out_key(o, "rooms");
    json_out_object(o);
    for (unsigned i = 0; i < SIM_CLIENT_ROOMS; i++) {
        const struct sim_room *room = &c->rooms[i];

        if (room->state != SIM_ROOM_ASKED || !room->resumes)
            continue;
        json_out_key_str(o, str_of(room->id));
        json_out_array(o);
        json_out_u64(o, room->epoch);
        json_out_u64(o, room->asked_after);
        json_out_array_end(o);
    }
    json_out_object_end(o);
}

static void put_member(struct json_out *o, const struct sim_op *op)
{
    json_out_field_u64(o, "user", op->target);
    if (op->kind == SIM_OP_MEMBER)
        json_out_field_str(o, "role", str_of(op->word));
    if (op->until > 0)
        json_out_field_u64(o, "until", op->until);
}

static void put_change(struct json_out *o, const struct sim_op *op)
{
    json_out_field_u64(o, "target", op->target);
    if (op->kind == SIM_OP_EDIT)
        put_text(o, op);
    if (op->kind == SIM_OP_REACT) {
        json_out_field_str(o, "emoji", str_of(op->word));
        json_out_field_bool(o, "on", op->on);
    }
}

static void put_page(struct json_out *o, const struct sim_op *op)
{
    if (op->kind == SIM_OP_LOG || op->on)
        json_out_field_u64(o, "after", op->target);
    else if (op->target > 0)
        json_out_field_u64(o, "before", op->target);
    json_out_field_u64(o, "limit", op->text_n);
    json_out_field_str(o, "view", op->kind == SIM_OP_LOG ? STR("log") : STR("messages"));
}

static void put_params(struct json_out *o, const struct sim_client *c, const struct sim_op *op)
{
    switch (op->kind) {
    case SIM_OP_AUTH:
        json_out_field_str(o, "token", str_of(c->token));
        break;
    case SIM_OP_RESUME:
        put_resume(o, c);
        break;
    case SIM_OP_JOIN:
        put_join(o, &c->rooms[op->room]);
        break;
    case SIM_OP_CREATE:
        json_out_field_str(o, "kind", str_of(op->word));
        break;
    case SIM_OP_SEND:
    case SIM_OP_AGAIN:
    case SIM_OP_FALSE:
        put_send(o, op);
        break;
    case SIM_OP_EDIT:
    case SIM_OP_DELETE:
    case SIM_OP_REACT:
        put_change(o, op);
        break;
    case SIM_OP_MEMBER:
    case SIM_OP_KICK:
        put_member(o, op);
        break;
    case SIM_OP_LOG:
    case SIM_OP_MESSAGES:
        put_page(o, op);
        break;
    case SIM_OP_DM:
        json_out_field_u64(o, "user", op->target);
        break;
    case SIM_OP_READ:
        json_out_field_u64(o, "seq", op->target);
        break;
    case SIM_OP_NONE:
    case SIM_OP_LEAVE:
    case SIM_OP_TYPING:
    case SIM_OP_PING:
    case SIM_OP_LOGOUT:
    case SIM_OP_PRESENCE:
        break;
    }
}

void sim_request_write(struct buf *b, const struct sim_client *c, const struct sim_op *op)
{
    bool roomless = op->kind == SIM_OP_AUTH || op->kind == SIM_OP_RESUME || op->kind == SIM_OP_DM ||
                    op->kind == SIM_OP_PING || op->kind == SIM_OP_LOGOUT;
    struct json_out o;

    json_out_init(&o, b);
    json_out_object(&o);
    json_out_field_str(&o, "action", str_of(actions[op->kind]));
    json_out_field_u64(&o, "id", op->id);
    if (!roomless)
        json_out_field_str(&o, "room", str_of(c->rooms[op->room].id));
    put_params(&o, c, op);
    json_out_object_end(&o);
}
