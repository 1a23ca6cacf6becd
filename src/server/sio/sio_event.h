/* sio_event.h: an event of a Socket.IO client as a command: its own name and an
 * object of parameters, or what the usual tutorials call it and give it:
 *
 *   emit("send", {room: "r", text: "hi"})      emit("chat message", "hi")
 *   emit("join", "r")                          emit("joinRoom", {room: "r"})
 *   emit("send_message", {roomId: "r", msg: "hi"})
 *
 * Pure. */
#ifndef SERVER_SIO_SIO_EVENT_H
#define SERVER_SIO_SIO_EVENT_H

#include "base/buf.h"
#include "chat/model/command.h"

/* The command that the event stands for, and its parameters, a JSON object, in out.
 * args: of a decoded packet. room: the one that is meant if none is given. COMMAND_NONE
 * if there is none such. */
enum command_id sio_event_command(struct str name, struct str args, struct str room,
                                  struct buf *out);

#endif
