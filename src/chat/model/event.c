#include "chat/model/event.h"

#include "base/json.h"
#include "base/str.h"
#include "chat/model/act.h"
#include "chat/model/group.h"
#include "chat/model/guise.h"
#include "chat/model/pref.h"
#include "chat/model/settings.h"

static void begin(struct json_out *o, struct buf *out, struct str event)
{
    json_out_init(o, out);
    json_out_object(o);
    json_out_field_str(o, "event", event);
}

void event_user(struct json_out *o, const char *key, uint64_t id, struct str name)
{
    if (key != NULL)
        json_out_key(o, key);
    json_out_object(o);
    json_out_field_u64(o, "id", id);
    json_out_field_str(o, "name", name);
    json_out_object_end(o);
}

void event_self(struct json_out *o, uint64_t id, struct str name, bool is_owner)
{
    json_out_key(o, "user");
    json_out_object(o);
    json_out_field_u64(o, "id", id);
    json_out_field_str(o, "name", name);
    if (is_owner)
        json_out_field_bool(o, "owner", true);
    json_out_object_end(o);
}

void event_people(struct json_out *o, struct str people)
{
    struct str name;
    uint64_t id;

    json_out_key(o, "people");
    json_out_array(o);
    while (group_next(&people, &id, &name))
        event_user(o, NULL, id, name);
    json_out_array_end(o);
}

void event_position(struct json_out *o, const char *key, uint64_t seq, uint64_t count)
{
    json_out_key(o, key);
    json_out_object(o);
    json_out_field_u64(o, "seq", seq);
    json_out_field_u64(o, "count", count);
    json_out_object_end(o);
}

static void put_optional(struct json_out *o, const char *key, struct str s)
{
    if (s.n > 0)
        json_out_field_str(o, key, s);
}

/* "reactions": {"emoji": [user id, ...]}. */
static void put_reactions(struct json_out *o, struct str reactions)
{
    struct amend_reaction r;

    if (reactions.n == 0)
        return;
    json_out_key(o, "reactions");
    json_out_object(o);
    while (amend_reaction_next(&reactions, &r)) {
        uint64_t user;

        json_out_key_str(o, r.emoji);
        json_out_array(o);
        while (amend_user_next(&r.users, &user))
            json_out_u64(o, user);
        json_out_array_end(o);
    }
    json_out_object_end(o);
}

static void put_message(struct json_out *o, uint64_t seq, const struct entry *e,
                        const struct amend *amend)
{
    struct str text = e->text;

    if (amend != NULL && amend->edited)
        text = amend->text;
    if (amend != NULL && amend->deleted)
        text = STR("");
    json_out_field_str(o, "text", text);
    put_optional(o, "cid", e->cid);
    guise_put(amend != NULL && amend->deleted && e->bot.n > 0 ? STR("\n") : e->bot, o);
    if (e->reply_to > 0)
        json_out_field_u64(o, "reply_to", e->reply_to);
    json_out_field_u64(o, "rev", amend != NULL ? amend->rev : seq);
    if (amend == NULL)
        return;
    if (amend->deleted)
        json_out_field_bool(o, "deleted", true);
    else if (amend->edited)
        json_out_field_u64(o, "edited", amend->edited_ts_ms);
    if (!amend->deleted)
        put_reactions(o, amend->reactions);
}

static const char *const event_names[] = {
    [ENTRY_MESSAGE] = "message", [ENTRY_EDIT] = "edit",   [ENTRY_DELETE] = "delete",
    [ENTRY_REACT] = "react",     [ENTRY_ROOM] = "room",   [ENTRY_MEMBER] = "member",
    [ENTRY_INVITE] = "invite",   [ENTRY_LOST] = "lost",   [ENTRY_PREF] = "pref",
    [ENTRY_ACT] = "act",         [ENTRY_PURGE] = "purge", [ENTRY_BLOCK] = "block",
    [ENTRY_PROFILE] = "profile",
};

struct str event_name(uint8_t kind)
{
    return str_of(kind > 0 && kind < COUNTOF(event_names) ? event_names[kind] : "unknown");
}

/* {"event":"message",...}: the name comes first. */
struct str event_name_of(struct str json)
{
    struct str rest = str_skip(json, sizeof("{\"event\":\"") - 1);

    return str_cut(&rest, '"');
}

/* Its member `on` comes last (event_typing). */
bool event_ends_typing(struct str json)
{
    struct str end = STR("\"on\":false}");

    return str_eq(event_name_of(json), STR("typing")) && json.n >= end.n &&
           str_eq(str_skip(json, json.n - end.n), end);
}

static void put_number(struct json_out *o, const char *key, uint64_t n)
{
    if (n > 0)
        json_out_field_u64(o, key, n);
}

/* "to": the room that the act was done in; "entry": its place there. */
static void put_act(struct json_out *o, const struct entry *e)
{
    json_out_field_str(o, "act", e->act);
    put_optional(o, "to", e->room);
    put_number(o, "entry", e->act_seq);
    if (e->user_id > 0 || e->user_name.n > 0)
        event_user(o, "user", e->user_id, e->user_name);
    put_optional(o, "role", e->role);
    put_number(o, "until", e->until_ms);
    put_number(o, "target", e->target);
    put_optional(o, "reason", e->text);
}

static void put_body(struct json_out *o, uint64_t seq, const struct entry *e,
                     const struct amend *amend)
{
    struct settings settings;
    struct pref pref;

    switch (e->kind) {
    case ENTRY_MESSAGE:
        put_message(o, seq, e, amend);
        break;
    case ENTRY_EDIT:
        json_out_field_u64(o, "target", e->target);
        json_out_field_str(o, "text", e->text);
        break;
    case ENTRY_DELETE:
        json_out_field_u64(o, "target", e->target);
        break;
    case ENTRY_REACT:
        json_out_field_u64(o, "target", e->target);
        json_out_field_str(o, "emoji", e->emoji);
        json_out_field_bool(o, "on", e->on);
        break;
    case ENTRY_ROOM:
        json_out_field_str(o, "title", e->title);
        put_optional(o, "kind", e->people.n > 0 ? STR("group") : e->room_kind);
        if (e->people.n > 0)
            event_people(o, e->people);
        if (settings_decode(e->settings, &settings))
            settings_put(&settings, true, o);
        break;
    case ENTRY_MEMBER:
        event_user(o, "user", e->user_id, e->user_name);
        json_out_field_str(o, "role", e->role);
        if (e->until_ms > 0)
            json_out_field_u64(o, "until", e->until_ms);
        if (act_is_kick(e))
            json_out_field_bool(o, "kick", true);
        break;
    case ENTRY_INVITE:
        json_out_field_str(o, "to", e->room);
        json_out_field_str(o, "kind", e->room_kind);
        json_out_field_str(o, "title", e->title);
        put_optional(o, "role", e->role);
        break;
    case ENTRY_PREF:
        pref = pref_decode(e->text);
        json_out_field_str(o, "to", e->room);
        pref_put(&pref, o);
        break;
    case ENTRY_PURGE:
        event_user(o, "user", e->user_id, e->user_name);
        json_out_field_u64(o, "target", e->target);
        break;
    case ENTRY_ACT:
        put_act(o, e);
        break;
    case ENTRY_BLOCK:
        event_user(o, "user", e->user_id, e->user_name);
        json_out_field_bool(o, "on", e->on);
        break;
    case ENTRY_PROFILE:
    case ENTRY_LOST:
        break;
    default:
        json_out_field_u64(o, "kind", e->kind);
        break;
    }
}

static void put_trace(struct json_out *o, const struct entry *e)
{
    char text[TRACE_PARENT_N + 1];
    struct trace t;

    if (!entry_trace(e, &t))
        return;
    trace_format(&t, text);
    json_out_field_str(o, "traceparent", str_of(text));
}

void event_encode(struct buf *out, struct str room, uint64_t seq, const struct entry *e,
                  const struct amend *amend)
{
    struct json_out o;

    begin(&o, out, event_name(e->kind));
    json_out_field_str(&o, "room", room);
    json_out_field_u64(&o, "seq", seq);
    json_out_field_u64(&o, "count", e->count);
    json_out_field_u64(&o, "ts", e->ts_ms);
    put_trace(&o, e);
    event_user(&o, "from", e->from_id, e->from_name);
    put_body(&o, seq, e, amend);
    json_out_object_end(&o);
}

void event_typing(struct buf *out, struct str room, uint64_t user, struct str name, bool on)
{
    struct json_out o;

    begin(&o, out, STR("typing"));
    json_out_field_str(&o, "room", room);
    event_user(&o, "from", user, name);
    json_out_field_bool(&o, "on", on);
    json_out_object_end(&o);
}

void event_read(struct buf *out, struct str room, uint64_t user, uint64_t seq, uint64_t count)
{
    struct json_out o;

    begin(&o, out, STR("read"));
    json_out_field_str(&o, "room", room);
    json_out_field_u64(&o, "user", user);
    json_out_field_u64(&o, "seq", seq);
    json_out_field_u64(&o, "count", count);
    json_out_object_end(&o);
}

void event_behind(struct buf *out, struct str room, uint64_t from, uint64_t to)
{
    struct json_out o;

    begin(&o, out, STR("behind"));
    json_out_field_str(&o, "room", room);
    json_out_field_u64(&o, "from", from);
    json_out_field_u64(&o, "to", to);
    json_out_object_end(&o);
}

void event_first(struct json_out *o, uint64_t first)
{
    if (first > 1)
        json_out_field_u64(o, "first", first);
}

void event_reset(struct buf *out, struct str room, uint64_t epoch, uint64_t first, uint64_t seq,
                 uint64_t count)
{
    struct json_out o;

    begin(&o, out, STR("reset"));
    json_out_field_str(&o, "room", room);
    json_out_field_u64(&o, "epoch", epoch);
    event_first(&o, first);
    event_position(&o, "head", seq, count);
    json_out_object_end(&o);
}

void event_move(struct buf *out, struct str reason, uint64_t delay_ms, uint64_t within_ms)
{
    struct json_out o;

    begin(&o, out, STR("move"));
    json_out_field_str(&o, "reason", reason);
    json_out_field_u64(&o, "delay_ms", delay_ms);
    json_out_field_u64(&o, "within_ms", within_ms);
    json_out_object_end(&o);
}

void event_expiring(struct buf *out, uint64_t expires_ms)
{
    struct json_out o;

    begin(&o, out, STR("expiring"));
    json_out_field_u64(&o, "expires", expires_ms);
    json_out_object_end(&o);
}

void event_closing(struct buf *out, unsigned code, struct str reason)
{
    struct json_out o;

    begin(&o, out, STR("closing"));
    json_out_field_u64(&o, "code", code);
    json_out_field_str(&o, "reason", reason);
    json_out_object_end(&o);
}
