/* socketio.h: packets of Socket.IO, revision 5, as the protocol text has them
 * (github.com/socketio/socket.io-protocol), each the data of one message of
 * Engine.IO, followed by as many binary messages as it has attachments:
 *
 *   <type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
 *
 * Strict: what a peer could read in another way is refused. Nothing is allocated
 * but in the buf that is given. */
#ifndef WIRE_SOCKETIO_H
#define WIRE_SOCKETIO_H

#include "base/base.h"
#include "base/buf.h"
#include "base/json.h"

enum {
    SOCKETIO_NAMESPACE_MAX = 64, /* bytes, with its slash */
    SOCKETIO_ATTACHMENTS_MAX = 10,
    SOCKETIO_DEPTH_MAX = 16, /* of the JSON */
};

enum socketio_type {
    SOCKETIO_CONNECT,
    SOCKETIO_DISCONNECT,
    SOCKETIO_EVENT,
    SOCKETIO_ACK,
    SOCKETIO_CONNECT_ERROR,
    SOCKETIO_BINARY_EVENT,
    SOCKETIO_BINARY_ACK,
};

struct socketio_packet {
    enum socketio_type type;
    /* JSON_OK; or why what the packet says cannot be taken, though it is a packet: half a
     * character, a number or a nesting beyond what is read, too many attachments. Then name
     * and args are empty. Such contents come from a client's people, not from the client. */
    enum json_error problem;
    unsigned attachments;
    bool has_id;
    uint64_t id;
    struct str nsp;  /* "/" if none was given */
    struct str data; /* the JSON as it was written; empty: none */
    struct str name; /* of an event: its first argument as it was written */
    struct str args; /* of an event: what is behind it; of an ack: all; without brackets */
};

/* Reads the text of a packet. scratch is used and left as it may be. False for an
 * unknown type, a namespace or id that is too long, JSON that is malformed or not
 * what the type wants, a placeholder without its attachment, and for events of the
 * client library's own (connect, disconnect, ...). What is only wrong in its contents
 * is ret->problem. The strings borrow from text. */
bool socketio_decode(struct str text, struct buf *scratch, struct socketio_packet *ret) MUST_CHECK;

/* Takes the next argument off *args, of a packet that was decoded. False at the end. */
bool socketio_arg_next(struct str *args, struct str *ret_arg);

/* Appends all that stands before the JSON. */
void socketio_append_head(struct buf *out, const struct socketio_packet *packet);

#endif
