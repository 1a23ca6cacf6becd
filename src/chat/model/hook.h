/* hook.h: a service of the operator's own that is asked before a message is stored: may it be, as
 * it is, or with another text? Here are what it is asked, as JSON, and how its answer is read,
 * and the seam to whoever asks it (server/node/checker.h).
 *
 *   {"type":"message.send","timestamp":"2026-11-30T19:20:00Z",
 *    "data":{"kind":"send","room":"general","user":{"id":7,"name":"ana"},"text":"hi","cid":"k"}}
 *
 *   {"verdict":"allow"}   {"verdict":"change","text":"..."}   {"verdict":"refuse","reason":"..."}
 */
#ifndef CHAT_MODEL_HOOK_H
#define CHAT_MODEL_HOOK_H

#include "base/base.h"
#include "base/buf.h"

/* Characters of a reason. */
#define HOOK_REASON_MAX 500

enum hook_verdict {
    HOOK_ALLOWED,
    HOOK_CHANGED,
    HOOK_REFUSED,
    HOOK_FAILED, /* there was no answer, or none that is to be understood */
};

/* A message that somebody wants to send, or what they want to make of one. */
struct hook_message {
    bool edit;
    struct str room, name, text, cid;
    uint64_t user;
    uint64_t target;   /* edit: the seq of the message */
    uint64_t reply_to; /* 0: it answers none */
    uint64_t ts_ms;    /* Unix time */
};

/* Appends what the service is asked. */
void hook_write(const struct hook_message *m, struct buf *b);

/* Reads an answer, n bytes at p, which change: *ret_text is the new text (HOOK_CHANGED: a message
 * of at most text_max characters, 0: any number) or the reason (HOOK_REFUSED), and points into
 * them. */
enum hook_verdict hook_read(uint8_t *p, size_t n, uint64_t text_max, struct str *ret_text);

struct hook_ask {
    const struct hook_message *message; /* until hook_ask_f returns */
    uint64_t random[2];                 /* names the question */
    void (*done)(struct hook_ask *ask); /* once, on the loop that asked, never inside the asking */
    enum hook_verdict ret_verdict;
    struct str ret_text; /* valid until done returns */
};

/* Who asks, of one worker. */
struct hook {
    /* Asks. The ask is the hook's until done. False if too many are on their way: done is not
     * called then. */
    bool (*ask)(struct hook *h, struct hook_ask *ask);
    /* A message was not asked about: too many wait. */
    void (*missed)(struct hook *h);
    bool open;           /* what fails is allowed */
    uint64_t timeout_ms; /* until done at the latest, more or less */
};

#endif
