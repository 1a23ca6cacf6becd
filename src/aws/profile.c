#include "aws/profile.h"

#include "base/str.h"

/* Is it the header of the profile's section: "[name]" or "[profile name]"? */
static bool is_section(struct str line, enum profile_file kind, struct str name)
{
    struct str s = str_skip(line, 1), inner = str_trim(str_cut(&s, ']'));

    if (kind == PROFILE_CONFIG && !str_eq(inner, STR("default"))) {
        if (!str_starts(inner, STR("profile ")) && !str_starts(inner, STR("profile\t")))
            return false;
        inner = str_trim(str_skip(inner, 8));
    }
    if (inner.n >= 2 && (inner.p[0] == '"' || inner.p[0] == '\'') &&
        inner.p[inner.n - 1] == inner.p[0])
        inner = (struct str){inner.p + 1, inner.n - 2};
    return str_eq(inner, name);
}

/* A value ends before a comment that a space sets off. */
static struct str value_of(struct str rest)
{
    for (size_t i = 1; i < rest.n; i++) {
        bool spaced = rest.p[i - 1] == ' ' || rest.p[i - 1] == '\t';

        if (spaced && (rest.p[i] == '#' || rest.p[i] == ';')) {
            rest.n = i;
            break;
        }
    }
    return str_trim(rest);
}

static void profile_take(struct profile *p, struct str key, struct str value)
{
    static const char *const elsewhere[] = {"role_arn", "credential_process", "sso_session",
                                            "sso_start_url", "web_identity_token_file"};
    struct str *to = NULL;

    if (str_eq_nocase(key, STR("aws_access_key_id")))
        to = &p->access_key;
    else if (str_eq_nocase(key, STR("aws_secret_access_key")))
        to = &p->secret_key;
    else if (str_eq_nocase(key, STR("aws_session_token")))
        to = &p->token;
    else if (str_eq_nocase(key, STR("region")))
        to = &p->region;
    if (to != NULL && to->n == 0)
        *to = value;
    for (size_t i = 0; i < COUNTOF(elsewhere); i++)
        p->elsewhere = p->elsewhere || str_eq_nocase(key, str_of(elsewhere[i]));
}

void profile_read(struct str file, enum profile_file kind, struct str name, struct profile *p)
{
    bool inside = false;

    while (file.n > 0) {
        struct str line = str_cut(&file, '\n'), key;

        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0 || line.p[0] == ' ' || line.p[0] == '\t' || line.p[0] == '#' ||
            line.p[0] == ';')
            continue;
        if (line.p[0] == '[') {
            inside = is_section(line, kind, name);
            p->found = p->found || inside;
        } else if (inside) {
            key = str_trim(str_cut(&line, '='));
            profile_take(p, key, value_of(line));
        }
    }
}
