#include "chat/model/pref.h"

#include "base/str.h"

#include <stdio.h>

#define HIDDEN STR("hidden:")

static const char *const notify_names[] = {"all", "mentions", "none"};

enum pref_notify pref_notify_find(struct str name)
{
    for (unsigned i = 0; i < COUNTOF(notify_names); i++)
        if (str_eq(name, str_of(notify_names[i])))
            return (enum pref_notify)i;
    return PREF_UNKNOWN;
}

struct pref pref_decode(struct str body)
{
    struct pref p = {0};

    while (body.n > 0) {
        struct str word = str_cut(&body, ' ');
        enum pref_notify notify = pref_notify_find(word);

        if (notify != PREF_UNKNOWN)
            p.notify = notify;
        else if (str_eq(word, STR("favourite")))
            p.favourite = true;
        else if (str_eq(word, STR("muted")))
            p.muted = true;
        else if (str_starts(word, HIDDEN))
            p.hidden = str_to_u64(str_skip(word, HIDDEN.n), &p.count);
    }
    return p;
}

struct str pref_encode(const struct pref *p, char buf[static PREF_BYTES_MAX])
{
    char hidden[32] = "";
    int n;

    assert(p->notify < PREF_UNKNOWN);
    if (p->hidden)
        (void)snprintf(hidden, sizeof(hidden), "hidden:%llu ", (unsigned long long)p->count);
    n = snprintf(buf, PREF_BYTES_MAX, "%s%s%s%s%s", p->favourite ? "favourite " : "",
                 p->muted ? "muted " : "", p->notify != PREF_ALL ? notify_names[p->notify] : "",
                 p->notify != PREF_ALL ? " " : "", hidden);
    assert(n >= 0 && n < PREF_BYTES_MAX);
    return (struct str){(const uint8_t *)buf, n > 0 ? (size_t)n - 1 : 0};
}

void pref_put(const struct pref *p, struct json_out *o)
{
    assert(p->notify < PREF_UNKNOWN);
    if (p->favourite)
        json_out_field_bool(o, "favourite", true);
    if (p->muted)
        json_out_field_bool(o, "muted", true);
    if (p->notify != PREF_ALL)
        json_out_field_str(o, "notify", str_of(notify_names[p->notify]));
    if (p->hidden)
        json_out_field_bool(o, "hidden", true);
}
