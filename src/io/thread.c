#include "io/thread.h"

#include <signal.h>
#include <stdio.h>

#define NAME_SIZE 16

int thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *arg), void *arg)
{
    char text[NAME_SIZE];
    sigset_t all, before;
    int r;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(ret_thread, NULL, run, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0)
        return -r;
    (void)snprintf(text, sizeof(text), "%s", name);
    (void)pthread_setname_np(*ret_thread, text);
    return 0;
}
