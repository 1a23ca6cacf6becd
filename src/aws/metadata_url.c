#include "aws/metadata_url.h"

#include "base/str.h"

/* 127.0.0.0/8, written out. */
static bool is_loopback(struct str host)
{
    unsigned parts = 0;

    while (host.n > 0) {
        uint64_t v;

        if (!str_to_u64(str_cut(&host, '.'), &v) || v > 255 || (parts == 0 && v != 127))
            return false;
        parts++;
    }
    return parts == 4;
}

bool metadata_url_is_allowed(struct str url)
{
    static const char *const hosts[] = {"localhost", "[::1]", "169.254.170.2", "169.254.170.23",
                                        "[fd00:ec2::23]"};
    struct str host, port;

    for (size_t i = 0; i < url.n; i++)
        if (url.p[i] <= ' ' || url.p[i] > '~' || url.p[i] == '@' || url.p[i] == '\\')
            return false;
    if (str_starts(url, STR("https://")))
        return url.n > 8;
    if (!str_starts(url, STR("http://")))
        return false;
    url = str_skip(url, 7);
    host = str_cut(&url, '/');
    if (host.n > 0 && host.p[0] == '[') {
        port = host;
        host.n = str_cut(&port, ']').n + 1;
        if (port.n > 0 && port.p[0] != ':')
            return false;
        if (host.p + host.n > port.p + port.n)
            return false;
    } else {
        host = str_cut(&host, ':');
    }
    for (size_t i = 0; i < COUNTOF(hosts); i++)
        if (str_eq(host, str_of(hosts[i])))
            return true;
    return is_loopback(host);
}
