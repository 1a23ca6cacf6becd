#include "engine/place.h"

#include "aws/account.h"
#include "base/str.h"

#include <stdio.h>

static struct str host_of(const char *endpoint)
{
    struct str rest = str_of(endpoint);

    if (str_starts(rest, STR("https://")))
        rest = str_skip(rest, 8);
    else if (str_starts(rest, STR("http://")))
        rest = str_skip(rest, 7);
    rest = str_cut(&rest, '/');
    return rest.n > 0 && rest.p[0] == '[' ? str_cut(&rest, ']') : str_cut(&rest, ':');
}

static bool ends_with(struct str s, const char *end)
{
    size_t n = strlen(end);

    return s.n >= n && str_eq(str_skip(s, s.n - n), str_of(end));
}

static bool is_of_aws(struct str host)
{
    return ends_with(host, ".amazonaws.com") || ends_with(host, ".amazonaws.com.cn") ||
           ends_with(host, ".api.aws");
}

static bool is_of_this_machine(struct str host)
{
    return str_eq(host, STR("localhost")) || str_eq(host, STR("[::1")) ||
           str_starts(host, STR("127."));
}

void place_of_tables(const char *endpoint, const char *region, const char *prefix,
                     struct str access_key, char ret_place[static PLACE_MAX])
{
    struct str host = host_of(endpoint);
    char account[AWS_ACCOUNT_MAX] = "";

    if (is_of_aws(host)) {
        if (!account_of_key(access_key, account))
            account[0] = '\0';
        host = STR("aws");
    } else if (is_of_this_machine(host)) {
        host = STR("localhost");
    }
    (void)snprintf(ret_place, PLACE_MAX, "dynamodb %.*s %s %s-log %s-record %s", STR_ARGS(host),
                   region, prefix, prefix, account);
}

void place_of_directory(const char *machine, const char *path, char ret_place[static PLACE_MAX])
{
    (void)snprintf(ret_place, PLACE_MAX, "sqlite %s %.900s", machine, path);
}
