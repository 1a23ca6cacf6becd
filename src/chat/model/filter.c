#include "chat/model/filter.h"

#include "base/mem.h"
#include "base/record.h"
#include "base/str.h"
#include "base/utf8.h"
#include "chat/model/filter_link.h"
#include "chat/model/filter_word.h"

#include <stdlib.h>

enum { VERSION = 1 };

/* A list as bytes. */

static const struct record_field fields[] = {
    {RECORD_STR, offsetof(struct filter_list, words)},
    {RECORD_BOOL, offsetof(struct filter_list, masks)},
    {RECORD_U64, offsetof(struct filter_list, links)},
    {RECORD_STR, offsetof(struct filter_list, hosts)},
};

static const struct record_table table = {.fields = fields,
                                          .n = COUNTOF(fields),
                                          .unknown_offset = offsetof(struct filter_list, unknown)};

void filter_list_encode(const struct filter_list *l, struct buf *b)
{
    if (record_size(&table, l) == 0)
        return;
    buf_append_byte(b, VERSION);
    record_encode(&table, l, b);
}

bool filter_list_decode(struct str bytes, struct filter_list *ret)
{
    struct filter_list l = {0};

    if (bytes.n > 0 &&
        (bytes.p[0] == 0 || !record_decode(&table, (struct str){bytes.p + 1, bytes.n - 1}, &l)))
        return false;
    *ret = l;
    return true;
}

static const char *const links_names[] = {"all", "except", "only", "none"};

const char *filter_links_name(uint64_t links)
{
    return links_names[links < COUNTOF(links_names) ? links : 0];
}

int filter_links_find(struct str name)
{
    for (unsigned i = 0; i < COUNTOF(links_names); i++)
        if (str_eq(name, str_of(links_names[i])))
            return (int)i;
    return -1;
}

/* Lists as people write them. */

static unsigned words_of(struct str line)
{
    struct str word;
    unsigned n = 0;

    while (filter_word_next(&line, &word))
        n++;
    return n;
}

enum error_code filter_words_read(struct str text, struct buf *b)
{
    unsigned n = 0;

    while (text.n > 0) {
        struct str line = str_trim(str_cut(&text, '\n'));
        unsigned words = words_of(line);

        if (line.n == 0)
            continue;
        if (words == 0)
            return ERROR_bad_value;
        if (++n > FILTER_WORDS_MAX || words > FILTER_PHRASE_MAX ||
            utf8_count(line) > FILTER_WORD_CHARS_MAX ||
            buf_len(b) + line.n + 1 > FILTER_WORDS_BYTES_MAX)
            return ERROR_too_long;
        if (buf_len(b) > 0)
            buf_append_byte(b, '\n');
        buf_append(b, line);
    }
    return ERROR_NONE;
}

/* A host as it is kept: what it is made of is a host by itself, and the same one. */
static bool host_read(struct str line, char host[static FILTER_HOST_MAX], size_t *ret_n)
{
    char again[FILTER_HOST_MAX];
    size_t n;

    return filter_link_host(line, host, ret_n) &&
           filter_link_host((struct str){(const uint8_t *)host, *ret_n}, again, &n) &&
           n == *ret_n && memcmp(host, again, n) == 0;
}

enum error_code filter_hosts_read(struct str text, struct buf *b)
{
    unsigned n = 0;

    while (text.n > 0) {
        struct str line = str_trim(str_cut(&text, '\n'));
        char host[FILTER_HOST_MAX];
        size_t host_n;

        if (line.n == 0)
            continue;
        if (!host_read(line, host, &host_n))
            return ERROR_bad_value;
        if (++n > FILTER_HOSTS_MAX || buf_len(b) + host_n + 1 > FILTER_HOSTS_BYTES_MAX)
            return ERROR_too_long;
        if (buf_len(b) > 0)
            buf_append_byte(b, '\n');
        buf_append(b, (struct str){(const uint8_t *)host, host_n});
    }
    return ERROR_NONE;
}

/* A list that texts are checked by. */

/* The words of a phrase, as their numbers; 0 behind the last. */
struct phrase {
    uint32_t words[FILTER_PHRASE_MAX];
};

struct filter {
    bool masks;
    enum filter_links links;
    struct str *hosts; /* sorted, in text */
    unsigned hosts_n;
    struct filter_key *keys; /* sorted, each once; the first is word number 1 */
    unsigned keys_n;
    struct phrase *phrases; /* sorted */
    unsigned phrases_n;
    char *text;
};

static struct str str_of_key(const struct filter_key *k)
{
    return (struct str){k->bytes, k->n};
}

static int compare_keys(const void *a, const void *b)
{
    return str_order(str_of_key(a), str_of_key(b));
}

static int compare_strs(const void *a, const void *b)
{
    return str_order(*(const struct str *)a, *(const struct str *)b);
}

static int compare_phrases(const void *a, const void *b)
{
    const struct phrase *p = a, *q = b;

    for (unsigned i = 0; i < FILTER_PHRASE_MAX; i++)
        if (p->words[i] != q->words[i])
            return p->words[i] < q->words[i] ? -1 : 1;
    return 0;
}

/* The word's number; 0: no phrase has it. */
static uint32_t number_of(const struct filter *f, const struct filter_key *key)
{
    const struct filter_key *found =
        key->n > 0 ? bsearch(key, f->keys, f->keys_n, sizeof(*key), compare_keys) : NULL;

    return found != NULL ? (uint32_t)(found - f->keys) + 1 : 0;
}

/* Gives each word a key. */
static void take_keys(struct filter *f, struct str words)
{
    struct str rest = words, word;
    unsigned n = 0, kept = 0;

    while (filter_word_next(&rest, &word))
        n++;
    f->keys = mem_zeroed(n + 1, sizeof(*f->keys));
    for (rest = words; filter_word_next(&rest, &word);)
        filter_word_key(word, &f->keys[f->keys_n++]);
    assert(f->keys_n == n);
    qsort(f->keys, n, sizeof(*f->keys), compare_keys);
    for (unsigned i = 0; i < n; i++)
        if (f->keys[i].n > 0 && (kept == 0 || compare_keys(&f->keys[i], &f->keys[kept - 1]) != 0))
            f->keys[kept++] = f->keys[i];
    f->keys_n = kept;
}

/* False if a word of the line has no key: then nothing is as it is. */
static bool read_phrase(const struct filter *f, struct str line, struct phrase *ret)
{
    struct filter_key key;
    struct str word;
    unsigned n = 0;

    *ret = (struct phrase){0};
    while (filter_word_next(&line, &word)) {
        filter_word_key(word, &key);
        if (n == FILTER_PHRASE_MAX || number_of(f, &key) == 0)
            return false;
        ret->words[n++] = number_of(f, &key);
    }
    return n > 0;
}

static unsigned lines_of(struct str text)
{
    unsigned n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n' ? 1 : 0;
    return n + 1;
}

static void take_words(struct filter *f, struct str words)
{
    f->phrases = mem_zeroed(lines_of(words), sizeof(*f->phrases));
    take_keys(f, words);
    while (words.n > 0)
        if (read_phrase(f, str_cut(&words, '\n'), &f->phrases[f->phrases_n]))
            f->phrases_n++;
    assert(f->keys_n > 0 || f->phrases_n == 0);
    qsort(f->phrases, f->phrases_n, sizeof(*f->phrases), compare_phrases);
}

static void take_hosts(struct filter *f, struct str hosts)
{
    struct str rest = {(const uint8_t *)f->text, hosts.n};

    if (hosts.n > 0)
        memcpy(f->text, hosts.p, hosts.n);
    f->hosts = mem_zeroed(lines_of(hosts), sizeof(*f->hosts));
    while (rest.n > 0)
        f->hosts[f->hosts_n++] = str_cut(&rest, '\n');
    assert(f->hosts_n <= lines_of(hosts));
    qsort(f->hosts, f->hosts_n, sizeof(*f->hosts), compare_strs);
}

struct filter *filter_new(const struct filter_list *l)
{
    struct filter *f;
    enum filter_links links =
        l->links <= FILTER_LINKS_NONE ? (enum filter_links)l->links : FILTER_LINKS_ALL;

    if (l->words.n == 0 && links == FILTER_LINKS_ALL)
        return NULL;
    f = mem_zeroed(1, sizeof(*f));
    f->masks = l->masks;
    f->links = links;
    f->text = mem_bytes(l->hosts.n + 1);
    take_words(f, l->words);
    take_hosts(f, l->hosts);
    return f;
}

void filter_free(struct filter *f)
{
    if (f == NULL)
        return;
    free(f->hosts);
    free(f->keys);
    free(f->phrases);
    free(f->text);
    free(f);
}

static void found(struct filter_found *ret, struct str what)
{
    struct str s = utf8_prefix(what, sizeof(ret->text));

    if (s.n > 0)
        memcpy(ret->text, s.p, s.n);
    ret->n = s.n;
}

/* Links. */

/* Is it one of the domains, or below one? */
static bool is_listed(const struct filter *f, struct str host)
{
    while (host.n > 0) {
        if (bsearch(&host, f->hosts, f->hosts_n, sizeof(host), compare_strs) != NULL)
            return true;
        (void)str_cut(&host, '.');
    }
    return false;
}

static bool is_unwanted(const struct filter *f, const struct filter_link *l)
{
    switch (f->links) {
    case FILTER_LINKS_ALL:
        return false;
    case FILTER_LINKS_EXCEPT:
        return is_listed(f, l->host);
    case FILTER_LINKS_ONLY:
        return l->kind == FILTER_LINK_ODD ||
               (l->kind == FILTER_LINK_SURE && !is_listed(f, l->host));
    case FILTER_LINKS_NONE:
        return l->kind != FILTER_LINK_PERHAPS;
    }
    return false;
}

static bool has_link(const struct filter *f, struct str text, struct filter_found *ret_found)
{
    struct filter_scan scan;
    struct filter_link link;
    bool unwanted = false;

    if (f->links == FILTER_LINKS_ALL)
        return false;
    filter_link_init(&scan, text);
    while (!unwanted && filter_link_next(&scan, &link))
        unwanted = is_unwanted(f, &link);
    if (unwanted && utf8_valid(link.host))
        found(ret_found, link.host);
    filter_link_fini(&scan);
    return unwanted;
}

/* Words. */

struct token {
    uint32_t from, n; /* in the text */
    uint32_t number;
};

static uint32_t number_of_word(const struct filter *f, struct str word)
{
    struct filter_key key;
    uint32_t number;

    filter_word_key(word, &key);
    number = number_of(f, &key);
    if (number == 0 && filter_word_key_shown(word, &key))
        number = number_of(f, &key);
    return number;
}

/* The text's words, which the caller frees. */
static struct token *read_tokens(const struct filter *f, struct str text, size_t *ret_n)
{
    struct token *tokens = NULL;
    struct str rest = text, word;
    size_t n = 0;

    assert(text.n <= UINT32_MAX);
    while (filter_word_next(&rest, &word)) {
        if ((n & (n - 1)) == 0) /* double at powers of two */
            tokens = mem_resize_array(tokens, n == 0 ? 1 : 2 * n, sizeof(*tokens));
        tokens[n++] =
            (struct token){(uint32_t)(word.p - text.p), (uint32_t)word.n, number_of_word(f, word)};
    }
    *ret_n = n;
    return tokens;
}

/* The first of [from, to) whose word at `depth` is at least `number`. */
static unsigned first_from(const struct filter *f, unsigned from, unsigned to, unsigned depth,
                           uint32_t number)
{
    while (from < to) {
        unsigned middle = from + (to - from) / 2;

        if (f->phrases[middle].words[depth] < number)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* How many of the words make the longest phrase that they begin with. */
static size_t longest_phrase(const struct filter *f, const struct token *t, size_t n)
{
    unsigned from = 0, to = f->phrases_n;
    size_t longest = 0;

    for (unsigned depth = 0; depth < FILTER_PHRASE_MAX && depth < n; depth++) {
        if (t[depth].number == 0)
            break;
        from = first_from(f, from, to, depth, t[depth].number);
        to = first_from(f, from, to, depth, t[depth].number + 1);
        if (from == to)
            break;
        if (depth + 1 == FILTER_PHRASE_MAX || f->phrases[from].words[depth + 1] == 0)
            longest = depth + 1;
    }
    return longest;
}

/* Stars for its characters. */
static void put_stars(struct buf *masked, struct str word)
{
    for (size_t n = utf8_count(word); n > 0; n--)
        buf_append_byte(masked, '*');
}

/* Appends the text from *at on with stars in place of the words. */
static void mask(struct str text, const struct token *t, size_t n, size_t *at, struct buf *masked)
{
    for (size_t i = 0; i < n; i++) {
        assert(t[i].from >= *at && t[i].from + t[i].n <= text.n);
        buf_append(masked, (struct str){text.p + *at, t[i].from - *at});
        put_stars(masked, (struct str){text.p + t[i].from, t[i].n});
        *at = t[i].from + t[i].n;
    }
}

static enum filter_result check_words(const struct filter *f, struct str text, struct buf *masked,
                                      struct filter_found *ret_found)
{
    size_t n, at = 0, phrase;
    struct token *tokens = read_tokens(f, text, &n);
    enum filter_result result = FILTER_CLEAN;

    for (size_t i = 0; i < n && result != FILTER_WORD; i += MAX(phrase, 1)) {
        const struct token *t = tokens + i;

        phrase = longest_phrase(f, t, n - i);
        if (phrase == 0)
            continue;
        if (f->masks) {
            mask(text, t, phrase, &at, masked);
            result = FILTER_MASKED;
        } else {
            const struct token *last = t + phrase - 1;

            found(ret_found,
                  (struct str){text.p + t->from, last->from + last->n - (size_t)t->from});
            result = FILTER_WORD;
        }
    }
    if (result == FILTER_MASKED)
        buf_append(masked, str_skip(text, at));
    free(tokens);
    return result;
}

enum filter_result filter_check(const struct filter *f, struct str text, struct buf *masked,
                                struct filter_found *ret_found)
{
    assert(f != NULL && buf_len(masked) == 0);
    ret_found->n = 0;
    if (has_link(f, text, ret_found))
        return FILTER_LINK;
    if (f->phrases_n == 0)
        return FILTER_CLEAN;
    return check_words(f, text, masked, ret_found);
}
