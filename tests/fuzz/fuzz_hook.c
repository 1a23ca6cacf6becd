/* Any bytes as what a service answers about a message: a verdict is one of four, and a text that it
 * gives is one that a client could have sent. And as a message that it is asked about: JSON. */
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"
#include "chat/model/hook.h"
#include "chat/model/text.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_answer(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n + 1);
    struct str text;

    if (copy == NULL)
        abort();
    if (n > 0)
        memcpy(copy, data, n);
    switch (hook_read(copy, n, TEXT_MAX, &text)) {
    case HOOK_CHANGED:
        assert(text_message(text) == ERROR_NONE && utf8_count(text) <= TEXT_MAX);
        break;
    case HOOK_REFUSED:
        assert(text.n == 0 || text_message(text) == ERROR_NONE);
        break;
    case HOOK_ALLOWED:
    case HOOK_FAILED:
        assert(text.n == 0);
    }
    free(copy);
}

static void check_question(struct str text)
{
    struct hook_message m = {.edit = text.n % 2 == 0,
                             .room = STR("r"),
                             .name = text,
                             .text = text,
                             .cid = text,
                             .user = 1,
                             .ts_ms = (uint64_t)text.n << 40};
    struct buf b CLEANUP(buf_fini);
    enum json_token t;
    struct json j;

    buf_init(&b, 1 << 20);
    hook_write(&m, &b);
    json_init(&j, (uint8_t *)(uintptr_t)buf_peek(&b).p, buf_len(&b), 4);
    while ((t = json_next(&j)) != JSON_END)
        assert(t != JSON_ERROR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    check_answer(data, n);
    if (utf8_valid((struct str){data, n}))
        check_question((struct str){data, n});
    return 0;
}
