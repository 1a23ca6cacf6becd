/* audit.h: the log of a room's moderators, audit:<room>: what was done in the room by those who may
 * (chat/model/act.h), each act once, in order. The acts are entries of the room's own log, one
 * leading to the one before; what is not in the log of moderators yet is copied there, after the
 * person whom it concerns was told in their own log. So there is no act without its entry: whoever
 * cannot write it fails, and whoever acts next, or opens the log of moderators, writes it. A person
 * whose own log fails then as well is not told: it may be damaged, and holds up nobody else.
 *
 *   act appended --> audit_then --> newest act .. the last that is there --> each: told, noted
 *                        ^                                                            |
 *   audit:<room> opened -+                                      then(r, call) <-------+
 *
 * Who may read the log of moderators follows from it, since it has who became a moderator and who
 * no longer is one. The log of a room that is older than its acts begins with who they are.
 *
 * What the server's owner does to people is in audit:@server (audit_server). */
#ifndef CHAT_ROOM_AUDIT_H
#define CHAT_ROOM_AUDIT_H

#include "chat/room/room.h"

/* Runs then(r, call) once every act that is in the room's log by now is in that of its moderators;
 * if it cannot be written, the call fails. */
void audit_then(struct room *r, struct call *call, call_handler_f *then);

/* The entry's fields of an act of the caller's that is about to be appended. name: static. */
void audit_mark(const struct room *r, struct call *call, const char *name);

/* Returns true if the room is a log of moderators, and the call one that reads it: audit_open
 * brings it up to date first. Then `then` runs. */
bool audit_opens(const struct room *r, const struct call *call) MUST_CHECK;
void audit_open(struct room *r, struct call *call, call_handler_f *then);

/* Acts that are no entry of the room's log. The act, which is copied, is noted as the caller's in
 * the room's log of moderators, before it is done; of a direct room, which has no moderators, in
 * audit:@server. Then `then` runs, or the call has failed. */
void audit_say(struct room *r, struct call *call, const struct entry *act, call_handler_f *then);

/* The same in audit:@server, of a call that is at no room. */
typedef void audit_server_f(struct people *p, struct call *call);
void audit_server(struct people *p, struct owner *o, struct call *call, const struct entry *act,
                  audit_server_f *then);

#endif
