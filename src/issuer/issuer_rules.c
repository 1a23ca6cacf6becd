#include "issuer/issuer_rules.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

static struct str *issuer_rules_texts(const struct conf_list *list)
{
    struct str *texts = mem_zeroed(list->n + 1, sizeof(*texts));

    for (size_t n = 0; n < list->n; n++)
        texts[n] = str_of(list->items[n]);
    return texts;
}

void issuer_rules_init(struct issuer_rules *r, const struct conf *c)
{
    assert(c->issuer[0] != '\0');
    r->audiences = issuer_rules_texts(&c->audience);
    r->names = issuer_rules_texts(&c->issuer_name_claim);
    r->jwt = (struct jwt_rules){.issuer = str_of(c->issuer),
                                .audiences = r->audiences,
                                .audiences_n = c->audience.n,
                                .names = r->names,
                                .names_n = c->issuer_name_claim.n,
                                .skew_s = c->issuer_skew_ms / 1000};
}

void issuer_rules_fini(struct issuer_rules *r)
{
    free(r->audiences);
    free(r->names);
}
