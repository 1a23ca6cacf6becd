#include "base/str.h"
#include "lib/check.h"
#include "server/sio/sio_event.h"

static void it_is(const char *name, const char *args, enum command_id id, const char *params)
{
    struct buf b CLEANUP(buf_fini);
    enum command_id got;

    buf_init(&b, 4096);
    got = sio_event_command(str_of(name), str_of(args), STR("last"), &b);
    if (got != id || (id != COMMAND_NONE && !str_eq(buf_peek(&b), str_of(params))))
        fail_msg("%s(%s): %d %.*s", name, args, got, STR_ARGS(buf_peek(&b)));
}

static void commands_take_an_object(void **state)
{
    (void)state;
    it_is("send", "{\"room\":\"r\",\"text\":\"hi\"}", COMMAND_send,
          "{\"room\":\"r\",\"text\":\"hi\"}");
    it_is("join", "{ \"room\" : \"r\" },1", COMMAND_join, "{\"room\" : \"r\" }");
    it_is("rooms", "", COMMAND_rooms, "{}");
    it_is("rooms", "{}", COMMAND_rooms, "{}");
    it_is("rooms", "{ }", COMMAND_rooms, "{}");
    it_is("nonsense", "{}", COMMAND_NONE, NULL);
}

static void commands_take_what_tutorials_give(void **state)
{
    (void)state;
    it_is("chat message", "\"hi\"", COMMAND_send, "{\"room\":\"last\",\"text\":\"hi\"}");
    it_is("send", "\"r\",\"hi\"", COMMAND_send, "{\"room\":\"r\",\"text\":\"hi\"}");
    it_is("sendMessage", "\"r\",{\"text\":\"hi\",\"cid\":\"c\"}", COMMAND_send,
          "{\"room\":\"r\",\"text\":\"hi\",\"cid\":\"c\"}");
    it_is("chatMessage", "{\"room\":\"r\",\"message\":\"hi\"}", COMMAND_send,
          "{\"room\":\"r\",\"message\":\"hi\"}");
    it_is("join", "\"r\"", COMMAND_join, "{\"room\":\"r\"}");
    it_is("join", "\"r\",{\"last\":3}", COMMAND_join, "{\"room\":\"r\",\"last\":3}");
    it_is("joinRoom", "{\"username\":\"a\",\"room\":\"r\"}", COMMAND_join,
          "{\"username\":\"a\",\"room\":\"r\"}");
    it_is("leave room", "\"r\"", COMMAND_leave, "{\"room\":\"r\"}");
    it_is("leave", "", COMMAND_leave, "{\"room\":\"last\"}");
    it_is("typing", "", COMMAND_typing, "{\"room\":\"last\"}");
    it_is("stop typing", "\"r\"", COMMAND_typing, "{\"room\":\"r\",\"on\":false}");
    it_is("stopTyping", "", COMMAND_typing, "{\"room\":\"last\",\"on\":false}");
    it_is("history", "\"r\",{\"limit\":5}", COMMAND_history, "{\"room\":\"r\",\"limit\":5}");
    it_is("users", "\"an\"", COMMAND_users, "{\"query\":\"an\"}");
    it_is("dm", "7", COMMAND_dm, "{\"user\":7}");
    it_is("dm", "{\"users\":\"7,8\"}", COMMAND_dm, "{\"users\":\"7,8\"}");
}

static void other_names_are_understood(void **state)
{
    (void)state;
    it_is("send_message", "{\"roomId\":\"r\",\"msg\":\"h,i\"}", COMMAND_send,
          "{\"roomId\":\"r\",\"msg\":\"h,i\",\"room\":\"r\",\"text\":\"h,i\"}");
    it_is("chatMessage", "{\"username\":\"a\",\"data\":\"hi\"}", COMMAND_send,
          "{\"username\":\"a\",\"data\":\"hi\",\"room\":\"last\",\"text\":\"hi\"}");
    it_is("send", "{\"room\":\"r\",\"text\":\"a\",\"data\":\"b\"}", COMMAND_send,
          "{\"room\":\"r\",\"text\":\"a\",\"data\":\"b\"}");
    it_is("send", "{\"room\":\"r\",\"data\":{\"text\":\"b\"}}", COMMAND_send,
          "{\"room\":\"r\",\"data\":{\"text\":\"b\"}}");
    it_is("send", "\"r\",{\"msg\":\"hi\"}", COMMAND_send,
          "{\"room\":\"r\",\"msg\":\"hi\",\"text\":\"hi\"}");
    it_is("users", "{\"username\":\"an\"}", COMMAND_users,
          "{\"username\":\"an\",\"query\":\"an\"}");
    it_is("stop typing", "{}", COMMAND_typing, "{\"room\":\"last\",\"on\":false}");
    it_is("join", "{}", COMMAND_join, "{\"room\":\"last\"}");
}

CHECK_MAIN(cmocka_unit_test(other_names_are_understood), cmocka_unit_test(commands_take_an_object),
           cmocka_unit_test(commands_take_what_tutorials_give))
