/* scope.h: what an API key lets a machine do: some of the scopes below. A session of a person has
 * none, and may do whatever the person may. Pure; any thread. */
#ifndef CHAT_MODEL_SCOPE_H
#define CHAT_MODEL_SCOPE_H

#include "base/base.h"
#include "chat/model/command.h"

enum {
    SCOPE_READ = 1,  /* follow rooms, read history, who is there and in one's list */
    SCOPE_WRITE = 2, /* send, change, delete, react; open direct rooms */
    SCOPE_ROOMS = 4, /* make rooms, change them and their people, as the person may */
    SCOPE_ADMIN = 8, /* the rights of the server's owner */
    SCOPE_ALL = 15,
    SCOPE_TEXT_MAX = 32, /* their names, with a NUL */
};

/* Returns true if a caller with these scopes may give the command; 0: a session of a person. */
bool scope_allows(unsigned scopes, enum command_id id) MUST_CHECK;

/* Reads names with a space between, at least one. False if one is unknown or there twice. */
bool scope_read(struct str names, unsigned *ret_scopes) MUST_CHECK;

/* Writes the names, in order of their numbers; borrowed from buf. */
struct str scope_write(unsigned scopes, char buf[static SCOPE_TEXT_MAX]);

#endif
