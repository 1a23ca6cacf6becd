/* Any bytes as records of people: an API key, a profile, a password, an invite link, where a
 * session was used. What decodes encodes to what decodes to the same. And as an API key itself. */
#include "base/frame.h"
#include "base/str.h"
#include "chat/people/invite_link.h"
#include "chat/people/people_key.h"
#include "chat/people/people_password.h"
#include "chat/people/people_profile.h"
#include "chat/people/people_seen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Encodes what decodes, twice: the second time nothing changes. */
#define CHECK_RECORD(type, decode, encode, max)              \
    static void check_##type(struct str body)                \
    {                                                        \
        char once[max], twice[max];                          \
        struct type record, again;                           \
        struct str first;                                    \
        bool back;                                           \
                                                             \
        if (!decode(body, &record))                          \
            return;                                          \
        first = encode(&record, once);                       \
        back = decode(first, &again);                        \
        assert(back &&str_eq(encode(&again, twice), first)); \
    }

static struct str invite_encode(const struct invite_link *l, char *to)
{
    return invite_link_encode(l, to, KEYS_ROOM_MAX + 160);
}

CHECK_RECORD(people_key, people_key_decode, people_key_encode, PEOPLE_KEY_BODY_MAX)
CHECK_RECORD(people_password, people_password_decode, people_password_encode,
             PEOPLE_PASSWORD_BODY_MAX)
CHECK_RECORD(invite_link, invite_link_decode, invite_encode, KEYS_ROOM_MAX + 160)

static void check_profile(struct str body)
{
    struct buf once CLEANUP(buf_fini), twice CLEANUP(buf_fini);
    struct people_profile p, again;
    bool back;

    buf_init(&once, 1 << 20);
    buf_init(&twice, 1 << 20);
    if (!people_profile_decode(body, &p))
        return;
    people_profile_encode(&p, &once);
    back = people_profile_decode(buf_peek(&once), &again);
    assert(back);
    people_profile_encode(&again, &twice);
    assert(str_eq(buf_peek(&once), buf_peek(&twice)));
}

static void check_seen(struct str body)
{
    struct buf items CLEANUP(buf_fini), out CLEANUP(buf_fini);
    struct store_item item = {.key = 1, .name = STR("seen:7"), .body = body}, at_item = {0};
    struct frame *block;
    struct json_out o;
    size_t at = 0;

    buf_init(&items, 1 << 20);
    buf_init(&out, 1 << 20);
    store_block_add(&items, &item);
    block = frame_new(buf_len(&items));
    memcpy(block->bytes, buf_peek(&items).p, buf_len(&items));
    json_out_init(&o, &out);
    json_out_object(&o);
    people_seen_put(&o, block, &at, &at_item, STR("7"));
    json_out_object_end(&o);
    frame_unref(block);
    assert(!out.failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str body = {data, n};
    struct people_key_claim claim;

    check_people_key(body);
    check_people_password(body);
    check_invite_link(body);
    check_profile(body);
    check_seen(body);
    if (people_key_read(body, &claim))
        assert(claim.user > 0);
    return 0;
}
