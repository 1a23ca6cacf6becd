/* Any bytes as a list of words and links, and as a text that it is asked about: the list, a 0, the
 * text. What decodes encodes to the same bytes; lines that are read are read the same again; a
 * masked text has as many characters. */
#include "base/str.h"
#include "base/utf8.h"
#include "chat/model/filter.h"

#define BYTES_MAX (1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

typedef enum error_code read_f(struct str text, struct buf *b);

static void check_lines(struct str text, read_f *read)
{
    struct buf once CLEANUP(buf_fini), twice CLEANUP(buf_fini);
    enum error_code e;

    buf_init(&once, BYTES_MAX);
    buf_init(&twice, BYTES_MAX);
    if (read(text, &once) != ERROR_NONE)
        return;
    e = read(buf_peek(&once), &twice);
    assert(e == ERROR_NONE && str_eq(buf_peek(&once), buf_peek(&twice)));
}

static void check_text(const struct filter_list *l, struct str text)
{
    struct filter *f = filter_new(l);
    struct buf masked CLEANUP(buf_fini);
    struct filter_found found;

    buf_init(&masked, BYTES_MAX);
    if (f != NULL && utf8_valid(text)) {
        switch (filter_check(f, text, &masked, &found)) {
        case FILTER_MASKED:
            assert(l->masks && utf8_valid(buf_peek(&masked)));
            assert(utf8_count(buf_peek(&masked)) == utf8_count(text));
            break;
        case FILTER_WORD:
        case FILTER_LINK:
            assert(utf8_valid((struct str){(const uint8_t *)found.text, found.n}));
            break;
        case FILTER_CLEAN:
            assert(buf_len(&masked) == 0);
        }
    }
    filter_free(f);
}

static void check_bytes(struct str bytes)
{
    struct buf b CLEANUP(buf_fini);
    struct filter_list l;

    buf_init(&b, BYTES_MAX);
    if (bytes.n < 2 || !filter_list_decode(bytes, &l))
        return;
    filter_list_encode(&l, &b);
    assert(str_eq(str_skip(buf_peek(&b), 1), str_skip(bytes, 1)));
    if (utf8_valid(l.words) && utf8_valid(l.hosts))
        check_text(&l, l.words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str text = {data, n}, list = str_cut(&text, 0);

    check_bytes((struct str){data, n});
    if (!utf8_valid(list) || !utf8_valid(text))
        return 0;
    check_lines(list, filter_words_read);
    check_lines(list, filter_hosts_read);
    for (uint64_t links = FILTER_LINKS_ALL; links <= FILTER_LINKS_NONE; links++)
        check_text(&(struct filter_list){list, links % 2 == 0, links, list, {0}}, text);
    return 0;
}
