/* guise.h: how a bot's message shows itself: the name and the picture that the bot gave for this
 * one message. They are in the entry's field `bot`, which only a bot's message has:
 *
 *   "<name>\n<picture>"      each may be empty
 *
 * Whoever shows a message with that field marks it as a bot's, always, and says by whom it is: so
 * a guise deceives nobody, whatever the name. Pure. */
#ifndef CHAT_MODEL_GUISE_H
#define CHAT_MODEL_GUISE_H

#include "base/base.h"
#include "base/json.h"
#include "chat/model/errors.h"

enum { GUISE_PICTURE_MAX = 512, GUISE_MAX = GUISE_PICTURE_MAX + 160 };

struct guise {
    struct str name;    /* as a person's name may be */
    struct str picture; /* an emoji, or a URL by https */
};

/* Returns ERROR_NONE if a bot may look so; or why not, and which parameter of send is wrong. */
enum error_code guise_check(const struct guise *g, const char **ret_param) MUST_CHECK;

/* Writes the field, borrowed from buf; it passes guise_check. */
struct str guise_encode(const struct guise *g, char buf[static GUISE_MAX]);

/* Strings are borrowed from the field. */
struct guise guise_decode(struct str field);

/* Appends the members of a message with that field: "bot":true, "as", "picture". */
void guise_put(struct str field, struct json_out *o);

#endif
