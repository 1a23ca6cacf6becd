/* gen-man.c: the man page on standard output. */
#include "conf/conf.h"

int main(void)
{
    conf_man(stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}
