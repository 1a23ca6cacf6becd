/* thread.h: a named thread in which every signal is blocked. For src/io only. */
#ifndef IO_THREAD_H
#define IO_THREAD_H

#include "base/base.h"

#include <pthread.h>

/* At most 15 characters of name are shown. 0 or -errno. */
int thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *arg),
                 void *arg) MUST_CHECK;

#endif
