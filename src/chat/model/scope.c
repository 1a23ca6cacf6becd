#include "chat/model/scope.h"

#include "base/str.h"

static const char *const names[] = {"read", "write", "rooms", "admin"};

/* Of no scope: no key gives the command. */
enum { OF_NONE = 0, OF_READ = 1, OF_WRITE = 2, OF_ROOMS = 4, OF_ADMIN = 8, OF_ANY = SCOPE_ALL };

static const uint8_t scope_of[COMMAND_N] = {
#define SCOPE(command, scope) [COMMAND_##command] = OF_##scope,
#include "chat/model/scopes.tbl"
#undef SCOPE
};

enum {
#define SCOPE(command, scope) IS_##command,
#include "chat/model/scopes.tbl"
#undef SCOPE
    COMMANDS
};
static_assert((int)COMMANDS + 1 == (int)COMMAND_N, "scopes.tbl has each command");

bool scope_allows(unsigned scopes, enum command_id id)
{
    assert(id < COMMAND_N && scopes <= SCOPE_ALL);
    return scopes == 0 || (scope_of[id] & scopes) != 0;
}

bool scope_read(struct str text, unsigned *ret_scopes)
{
    unsigned scopes = 0, one;

    while (text.n > 0) {
        struct str name = str_cut(&text, ' ');

        for (one = 0; one < COUNTOF(names) && !str_eq(name, str_of(names[one])); one++) {
        }
        if (one == COUNTOF(names) || (scopes & 1u << one) != 0)
            return false;
        scopes |= 1u << one;
    }
    *ret_scopes = scopes;
    return scopes != 0;
}

struct str scope_write(unsigned scopes, char buf[static SCOPE_TEXT_MAX])
{
    size_t n = 0;

    assert(scopes <= SCOPE_ALL);
    for (unsigned i = 0; i < COUNTOF(names); i++) {
        if ((scopes & 1u << i) == 0)
            continue;
        if (n > 0)
            buf[n++] = ' ';
        memcpy(buf + n, names[i], strlen(names[i]));
        n += strlen(names[i]);
    }
    assert(n < SCOPE_TEXT_MAX);
    return (struct str){(const uint8_t *)buf, n};
}
