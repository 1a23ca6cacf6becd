/* event.h: entries and casts as clients see them: one JSON object each
 * (docs/protocol.md). Pure. */
#ifndef CHAT_EVENT_H
#define CHAT_EVENT_H

#include "base/amend.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/entry.h"
#include "base/frame.h"

/* Appends the entry as an event of the log. amend: what has become of it since
 * (the message view), or NULL: as it was appended. Entries of kinds that this
 * version does not know come as {"event":"unknown","kind":n,...}. */
void event_encode(struct buf *out, struct str room, uint64_t seq, const struct entry *e,
                  const struct amend *amend);

/* The same as a frame of its own: what followers are sent. */
struct frame *event_frame(struct str room, uint64_t seq, const struct entry *e) MUST_CHECK;

/* {"id":7,"name":"ana"}, as the value of key. */
struct json_out;
void event_user(struct json_out *o, const char *key, uint64_t id, struct str name);

/* Casts and control events; out is appended to. */
void event_typing(struct buf *out, struct str room, uint64_t user, struct str name, bool on);
void event_read(struct buf *out, struct str room, uint64_t user, uint64_t seq, uint64_t count);
void event_behind(struct buf *out, struct str room, uint64_t from, uint64_t to);
void event_reset(struct buf *out, struct str room, uint64_t epoch, uint64_t seq, uint64_t count);
void event_move(struct buf *out, struct str reason, uint64_t delay_ms, uint64_t within_ms);
void event_expiring(struct buf *out, uint64_t expires_ms);

#endif
