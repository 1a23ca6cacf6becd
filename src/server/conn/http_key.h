/* http_key.h: the field Idempotency-Key (draft-ietf-httpapi-idempotency-key-header) of a
 * request: a send's cid. Pure. */
#ifndef SERVER_CONN_HTTP_KEY_H
#define SERVER_CONN_HTTP_KEY_H

#include "chat/model/command.h"
#include "wire/http1.h"

/* Longer than any key that is taken. */
#define HTTP_KEY_MAX 80

/* Sets the command's cid, which then lies in key. True as well if there is no such field,
 * or the command is no send; false and *ret_problem if the field is no good, or the body
 * names another cid. */
bool http_key_take(const struct http1_headers *headers, struct command *cmd,
                   char key[static HTTP_KEY_MAX], const struct command_limits *limits,
                   struct command_problem *ret_problem) MUST_CHECK;

#endif
