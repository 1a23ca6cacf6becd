#include "server/conn/http_key.h"

#include "base/str.h"
#include "wire/field.h"

bool http_key_take(const struct http1_headers *headers, struct command *cmd,
                   char key[static HTTP_KEY_MAX], const struct command_limits *limits,
                   struct command_problem *ret_problem)
{
    static const struct str name = {(const uint8_t *)"idempotency-key", 15};
    struct str value, cid = {(const uint8_t *)key, 0};

    if (cmd->id != COMMAND_send || !http1_get(headers, name, &value))
        return true;
    *ret_problem = (struct command_problem){ERROR_bad_key, NULL};
    if (http1_count(headers, name) != 1 || !field_item_string(value, key, HTTP_KEY_MAX, &cid.n))
        return false;
    if (command_has(cmd, PARAM_cid))
        return str_eq(cmd->cid, cid);
    if (command_set(cmd, STR("cid"), cid, limits, ret_problem))
        return true;
    *ret_problem = (struct command_problem){ERROR_bad_key, NULL};
    return false;
}
