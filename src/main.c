/* main.c: argv -> configuration -> wiring. The only file that knows everything. */
#include <stdio.h>

int main(void)
{
    puts("polylog: nothing is wired yet");
    return 1;
}
