/* text.h: what people write: a message, a title, a name, a reaction, a room's name. The
 * encoding (base/utf8.h) is not enough: what cannot be seen is no text, a word is no emoji,
 * and a heap of marks on one letter covers the lines around it. Pure. By utf8proc, and for
 * emoji by Unicode's table (tools/gen-emoji).
 *
 * Only what is new is judged by these rules: entries and names that are stored stay. */
#ifndef CHAT_MODEL_TEXT_H
#define CHAT_MODEL_TEXT_H

#include "base/base.h"
#include "chat/model/errors.h"

/* A message: valid UTF-8 with something to see, no control characters but tabs and line
 * ends, at most 10 marks on one letter. ERROR_NONE, bad_utf8, empty or bad_text. */
enum error_code text_message(struct str s) MUST_CHECK;

/* A title: as a message, but of one line, and nothing that turns the direction of what
 * stands behind it. Space around it is cut off. Nothing at all is a title too. */
enum error_code text_title(struct str *s) MUST_CHECK;

/* Returns true if a new person may have this name, which names_fold has accepted: it begins with a
 * letter or digit, not with a mark; two spaces never follow each other; every character can be
 * seen; a letter has at most 4 marks. */
bool text_name(struct str s) MUST_CHECK;

/* Returns true if this letter, mark or digit may stand in a name, at its beginning. */
bool text_in_name(int32_t c, bool begins);

#define TEXT_EMOJI_MAX 64

/* Reads an emoji (UTS #51): a character, a flag, a keycap, or up to 4 joined. Writes the spelling
 * that all ways to write it share, the fully-qualified one, and its length. Returns ERROR_NONE,
 * bad_utf8, empty, too_long or bad_emoji. */
enum error_code text_emoji(struct str s, char ret_emoji[static TEXT_EMOJI_MAX],
                           size_t *ret_n) MUST_CHECK;

/* What is to be found: NFKC, case folded, no space around it and single ones within; to be freed.
 * NULL if nothing is left, or it is no UTF-8. */
uint8_t *text_fold(struct str s, size_t *ret_n) MUST_CHECK;

#define TEXT_ROOM_MAX 64

/* The id of a room with this name, which does not fit an id as it is: the same for everybody
 * who writes it, whatever the case and the spaces. Letters and digits of ASCII stay, then 16
 * characters of a hash follow. False if it has no letter or digit, is reserved, no title, or
 * more than 128 characters. */
bool text_room(struct str name, char ret_id[static TEXT_ROOM_MAX], size_t *ret_n) MUST_CHECK;

#endif
