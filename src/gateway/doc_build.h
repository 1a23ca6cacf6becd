/* doc_build.h: makes a tree (gateway/doc.h) of the events of a parser. Between `open` and
 * `close` of a map each value is preceded by its key. Each function is false once a bound is
 * passed or a key is there twice; the error is in the notes then, and reading ends. */
#ifndef GATEWAY_DOC_BUILD_H
#define GATEWAY_DOC_BUILD_H

#include "gateway/doc.h"

struct doc_build {
    struct doc *doc;
    struct notes *notes;
    struct doc_value *open[DOC_DEPTH_MAX + 1]; /* maps and lists that are not closed yet */
    bool wraps[DOC_DEPTH_MAX + 1];             /* closed together with what is within */
    unsigned depth;
    size_t values_n;
    struct str key; /* of the value that comes next, if has_key */
    struct note_place key_at;
    bool has_key;
};

void doc_build_init(struct doc_build *b, struct doc *d, struct notes *ns);

/* In a map and a key is expected. */
bool doc_build_wants_key(const struct doc_build *b);

bool doc_build_key(struct doc_build *b, struct str key, struct note_place at) MUST_CHECK;
bool doc_build_scalar(struct doc_build *b, struct str text, struct note_place at) MUST_CHECK;
bool doc_build_null(struct doc_build *b, struct note_place at) MUST_CHECK;
bool doc_build_open(struct doc_build *b, enum doc_kind kind, struct note_place at) MUST_CHECK;
void doc_build_close(struct doc_build *b);

/* A map of one entry, around the value that comes next. */
bool doc_build_wrap(struct doc_build *b, struct str key, struct note_place at) MUST_CHECK;

#endif
