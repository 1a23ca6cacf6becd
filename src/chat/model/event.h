/* event.h: entries and casts as clients see them: one JSON object each
 * (docs/protocol.md). Pure. */
#ifndef CHAT_MODEL_EVENT_H
#define CHAT_MODEL_EVENT_H

#include "base/amend.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/entry.h"

/* Appends the entry as an event of the log. amend: what has become of it since
 * (the message view), or NULL: as it was appended. Entries of kinds that this
 * version does not know come as {"event":"unknown","kind":n,...}. */
void event_encode(struct buf *out, struct str room, uint64_t seq, const struct entry *e,
                  const struct amend *amend);

/* The name of an entry's event, by its kind; and that of any event which was encoded here. */
struct str event_name(uint8_t kind);
struct str event_name_of(struct str json);
/* Whether such an event says that somebody has stopped typing. */
bool event_ends_typing(struct str json);

struct json_out;

/* {"id":7,"name":"ana"}, as the value of key; NULL: as an element. */
void event_user(struct json_out *o, const char *key, uint64_t id, struct str name);
/* The same, of who is asking. */
void event_self(struct json_out *o, uint64_t id, struct str name, bool is_owner);
/* "people": of an entry's field. */
void event_people(struct json_out *o, struct str people);
/* {"seq":12,"count":7}, as the value of key. */
void event_position(struct json_out *o, const char *key, uint64_t seq, uint64_t count);

/* "first": where the log begins, if that is not at 1. */
void event_first(struct json_out *o, uint64_t first);

/* Casts and control events; out is appended to. */
void event_typing(struct buf *out, struct str room, uint64_t user, struct str name, bool on);
void event_read(struct buf *out, struct str room, uint64_t user, uint64_t seq, uint64_t count);
void event_behind(struct buf *out, struct str room, uint64_t from, uint64_t to);
void event_reset(struct buf *out, struct str room, uint64_t epoch, uint64_t first, uint64_t seq,
                 uint64_t count);
void event_move(struct buf *out, struct str reason, uint64_t delay_ms, uint64_t within_ms);
/* The connection is ended; of doors that have no word for it. */
void event_closing(struct buf *out, unsigned code, struct str reason);
void event_expiring(struct buf *out, uint64_t expires_ms);

#endif
