#include "base/str.h"
#include "chat/model/keys.h"
#include "lib/check.h"

/* What is stored under a key is lost when the key becomes another: each is written out. */

static void is(struct str key, const char *bytes)
{
    assert_int_equal(key.n, strlen(bytes));
    assert_memory_equal(key.p, bytes, key.n);
}

static void test_keys_that_stand_alone(void **state)
{
    const struct {
        struct str key;
        const char *bytes;
    } rows[] = {
        {KEYS_NAMES, "names"},
        {KEYS_LOOKS, "looks"},
        {KEYS_PROFILE, "profile"},
        {KEYS_OFF, "off"},
        {KEYS_REVOKED, "revoked"},
        {KEYS_SERVER, "server"},
        {KEYS_NODES, "nodes"},
        {KEYS_USER, "user"},
        {KEYS_ROOMS_CREATED, "rooms-created"},
        {KEYS_STATE, "state"},
        {KEYS_ACCESS, "access"},
        {KEYS_OWNER_CODE, "owner-code"},
        {KEYS_TOKEN_SECRET, "token-secret"},
        {KEYS_STORE_ID, "store-id"},
        {KEYS_STOPPED, "stopped"},
        {KEYS_ADOPTED, "adopted"},
        {KEYS_CONN, "connection"},
        {KEYS_SHARD, "shard"},
        {KEYS_SESSIONS, "session:"},
        {KEYS_ROOMS, "room:"},
        {KEYS_DIRECT_ROOMS, "room:dm:"},
        {KEYS_USERS, "users"},
        {KEYS_LINKS, "links"},
        {KEYS_DELETING, "deleting"},
        {KEYS_DIRECTORY, "directory"},
        {KEYS_LINK, "link"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        is(rows[i].key, rows[i].bytes);
}

static void test_keys_that_are_made(void **state)
{
    char buf[KEYS_MAX], room[64 + 1];
    uint8_t hash[32];

    (void)state;
    is(keys_of_user(0, buf), "u:0");
    is(keys_of_user(7, buf), "u:7");
    is(keys_of_user(UINT64_MAX, buf), "u:18446744073709551615");
    is(keys_of_room(STR("general"), buf), "r:general");
    is(keys_of_room(STR("dm:1:20"), buf), "r:dm:1:20");
    is(keys_of_room(STR("@7"), buf), "r:@7");
    is(keys_of_minute(28333333, buf), "revoked:28333333");
    is(keys_of_conn(STR("L0SM9cOFvHcCIhw="), buf), "c:L0SM9cOFvHcCIhw=");
    is(keys_of_homes(STR("0123456789abcdef"), buf), "g:0123456789abcdef");
    is(keys_of_followers(STR("general"), 0, buf), "f:general#0");
    is(keys_of_followers(STR("dm:1:20"), UINT32_MAX, buf), "f:dm:1:20#4294967295");
    is(keys_of_shard(STR("general"), 12, buf), "s:general#12");
    is(keys_of_directory(28333333, buf), "directory:28333333");
    is(keys_changed(1763673000123, STR("den"), buf), "0001763673000123:den");
    is(keys_link(STR("0011223344556677"), buf), "link:0011223344556677");
    is(keys_of_link(STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"), buf),
       "link:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    is(keys_session(1, buf), "session:1");
    is(keys_session(UINT64_MAX, buf), "session:18446744073709551615");
    is(keys_listed(STR("general"), buf), "room:general");
    is(keys_listed(STR("dm;"), buf), "room:dm;");
    is(keys_ended(4503599627370495, buf), "4503599627370495");
    for (size_t i = 0; i < sizeof(hash); i++)
        hash[i] = (uint8_t)(i * 8 + 3);
    is(keys_of_subject(hash, buf),
       "subject:030b131b232b333b434b535b636b737b838b939ba3abb3bbc3cbd3dbe3ebf3fb");
    memset(room, 'a', 64);
    room[64] = '\0';
    assert_int_equal(keys_listed(str_of(room), buf).n, 5 + 64);
    assert_int_equal(keys_of_room(str_of(room), buf).n, 2 + 64);
}

CHECK_MAIN(cmocka_unit_test(test_keys_that_stand_alone), cmocka_unit_test(test_keys_that_are_made))
