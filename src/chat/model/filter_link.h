/* filter_link.h: the links of a text, and the domains that they lead to. What a browser would read
 * as a domain is read as one here: wide letters, an ideographic full stop, %65, a name before an
 * @. A domain in letters and the same one as xn--... are two. Pure. */
#ifndef CHAT_MODEL_FILTER_LINK_H
#define CHAT_MODEL_FILTER_LINK_H

#include "base/base.h"
#include "base/buf.h"

/* Of a domain (RFC 1035). */
#define FILTER_HOST_MAX 253

/* How sure it is that something is a link. */
enum filter_link_kind {
    FILTER_LINK_SURE,    /* https://example.org, www.example.org, example.org/page */
    FILTER_LINK_PERHAPS, /* example.org, which readme.md looks like, too */
    FILTER_LINK_ODD,     /* a link to something that is no domain, such as [::1] */
};

/* A text that is read for links; filter_link_fini frees it. */
struct filter_scan {
    uint8_t *text; /* as a browser reads it: NFKC, case folded */
    size_t n, at;
    bool in_authority; /* behind ://, before the path */
};

struct filter_link {
    enum filter_link_kind kind;
    struct str host; /* in buf, or empty */
    char buf[FILTER_HOST_MAX + 3];
};

/* Begins to read a text, valid UTF-8. */
void filter_link_init(struct filter_scan *s, struct str text);
void filter_link_fini(struct filter_scan *s);

/* Reads the next link. False if there is none any more. */
bool filter_link_next(struct filter_scan *s, struct filter_link *ret) MUST_CHECK;

/* Writes the domain as links are compared with it, in at most FILTER_HOST_MAX bytes. False if it
 * is none: labels of letters, digits and -, with dots between; a single label is one, too. */
bool filter_link_host(struct str s, char ret_host[static FILTER_HOST_MAX],
                      size_t *ret_n) MUST_CHECK;

#endif
