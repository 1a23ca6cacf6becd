/* The text of .env, whatever it holds: loaded, or refused with a reason. */
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char *const commands[] = {"serve", "echo", "bench"};
    struct conf_input in = {.dotenv = {p, n}};

    for (size_t i = 0; i < COUNTOF(commands); i++) {
        struct conf c;
        char why[256] = "";

        in.command = commands[i];
        if (conf_load(&c, &in, why) == CONF_OK)
            conf_fini(&c);
        else if (why[0] == '\0')
            abort();
    }
    return 0;
}
