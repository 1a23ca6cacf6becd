#include "chat/model/act.h"

#include "base/str.h"

bool act_is_kick(const struct entry *e)
{
    return e->kind == ENTRY_MEMBER && str_eq(e->act, STR("kick"));
}

bool act_is_told(const struct entry *act)
{
    static const char *const told[] = {"mute", "ban", "release", "remove", "kick", "purge"};

    for (unsigned i = 0; i < COUNTOF(told) && act->user_id > 0; i++)
        if (str_eq(act->act, str_of(told[i])))
            return act->user_id != act->from_id;
    return false;
}

struct entry act_entry(struct str room, uint64_t seq, const struct entry *e)
{
    struct entry act = {
        .kind = ENTRY_ACT,
        .from_id = e->from_id,
        .from_name = e->from_name,
        .user_id = e->user_id,
        .user_name = e->user_name,
        .role = e->role,
        .until_ms = e->until_ms,
        .target = e->target,
        .text = e->text,
        .act = e->act,
        .act_seq = seq,
        .room = room,
    };

    if (str_eq(e->act, STR("create")) && e->from_id > 0) { /* as access_apply has it */
        act.user_id = e->from_id;
        act.user_name = e->from_name;
        act.role = STR("owner");
    }
    return act;
}
