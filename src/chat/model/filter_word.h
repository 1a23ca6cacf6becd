/* filter_word.h: the words of a text, as a filter compares them. Pure. */
#ifndef CHAT_MODEL_FILTER_WORD_H
#define CHAT_MODEL_FILTER_WORD_H

#include "base/base.h"

#define FILTER_KEY_MAX 200

/* Two words that look alike, whatever their case, share a key. n is 0 where there is none. */
struct filter_key {
    size_t n;
    uint8_t bytes[FILTER_KEY_MAX];
};

/* Cuts the next word off the text, valid UTF-8. False at its end. */
bool filter_word_next(struct str *rest, struct str *ret_word) MUST_CHECK;

/* Gives the key of a word as its case-folded form looks. A word that is too long to be one of a
 * list has none. */
void filter_word_key(struct str word, struct filter_key *ret);

/* Gives the key of a word as it looks where it is written otherwise: a capital letter may look as
 * no small one does. Returns false if that is the same for sure. */
bool filter_word_key_shown(struct str word, struct filter_key *ret) MUST_CHECK;

#endif
