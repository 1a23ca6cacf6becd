/* filter.h: the words and links that a room, or the whole server, does not want in a message.
 *
 *   lines of a person --filter_words_read, filter_hosts_read--> struct filter_list <--> bytes
 *   struct filter_list --filter_new--> struct filter --filter_check--> what of a text is unwanted
 *
 * A list is stored as base/record.h has it, behind a version, u8, 1 or higher:
 *
 *   no. form  field        no. form  field        no. form  field
 *    1   1    words         3   0    links         4   1    hosts
 *    2   0    masks (1)
 *
 * A text is compared word by word. A word is a run of letters, digits and marks; a symbol is a
 * word, and so is each letter of a script that has no spaces between words (Chinese, Japanese,
 * Thai). Two words are the same if their case-folded skeletons are (chat/model/looks.h). The work
 * grows with the length of the text, not with that of the list. Pure. */
#ifndef CHAT_MODEL_FILTER_H
#define CHAT_MODEL_FILTER_H

#include "base/base.h"
#include "base/buf.h"
#include "chat/model/errors.h"

/* Of a list: words and phrases; characters of one; words of a phrase; domains; bytes of all words,
 * of all domains. */
#define FILTER_WORDS_MAX 500
#define FILTER_WORD_CHARS_MAX 64
#define FILTER_PHRASE_MAX 8
#define FILTER_HOSTS_MAX 200
#define FILTER_WORDS_BYTES_MAX 8000
#define FILTER_HOSTS_BYTES_MAX 4000

/* Which links may be written. */
enum filter_links {
    FILTER_LINKS_ALL,
    FILTER_LINKS_EXCEPT, /* all but those to the domains */
    FILTER_LINKS_ONLY,   /* those to the domains, and no others */
    FILTER_LINKS_NONE,
};

/* Zeroed: everything may be written. */
struct filter_list {
    struct str words; /* a word or phrase a line */
    bool masks;       /* stars take a word's place; else the message is refused */
    uint64_t links;   /* enum filter_links; what is not known is ALL */
    struct str hosts; /* a domain a line; its subdomains are meant as well */
    struct str unknown;
};

/* Appends the bytes; failure is b's. Of a list that wants everything there are none. */
void filter_list_encode(const struct filter_list *l, struct buf *b);

/* Strings are borrowed from bytes; no bytes are a list that wants everything. False if they are
 * no list. */
bool filter_list_decode(struct str bytes, struct filter_list *ret) MUST_CHECK;

/* Append to b, which has room, what a person wrote with a word or a domain a line, as the list has
 * it: without spaces around and empty lines. Return ERROR_NONE; too_long: a line, or all, are past
 * a limit; bad_value: a line has no word in it, or is no domain. */
enum error_code filter_words_read(struct str text, struct buf *b) MUST_CHECK;
enum error_code filter_hosts_read(struct str text, struct buf *b) MUST_CHECK;

/* Return "all", "except", "only" or "none"; which of them a name is, or -1. */
const char *filter_links_name(uint64_t links);
int filter_links_find(struct str name);

struct filter;

/* Returns NULL if the list wants everything. It keeps nothing of the list. The caller frees. */
struct filter *filter_new(const struct filter_list *l);
void filter_free(struct filter *f);

enum filter_result {
    FILTER_CLEAN,
    FILTER_MASKED, /* *masked is what may be written: as many characters, some of them stars */
    FILTER_WORD,
    FILTER_LINK,
};

#define FILTER_FOUND_MAX 256

/* What of a text is unwanted: its first characters. */
struct filter_found {
    size_t n;
    char text[FILTER_FOUND_MAX];
};

/* Checks a text, valid UTF-8. masked, empty, is filled with FILTER_MASKED alone; *ret_found is set
 * with FILTER_WORD and FILTER_LINK. */
enum filter_result filter_check(const struct filter *f, struct str text, struct buf *masked,
                                struct filter_found *ret_found) MUST_CHECK;

#endif
