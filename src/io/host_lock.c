#include "io/host.h"

#include <pthread.h>
#include <stdlib.h>

struct host_lock {
    pthread_mutex_t mutex;
};

struct host_lock *host_lock_new(void)
{
    struct host_lock *l = calloc(1, sizeof(*l));

    if (l == NULL || pthread_mutex_init(&l->mutex, NULL) != 0)
        abort();
    return l;
}

void host_lock_free(struct host_lock *l)
{
    if (l == NULL)
        return;
    (void)pthread_mutex_destroy(&l->mutex);
    free(l);
}

void host_lock_take(struct host_lock *l)
{
    if (pthread_mutex_lock(&l->mutex) != 0)
        abort();
}

void host_lock_drop(struct host_lock *l)
{
    if (pthread_mutex_unlock(&l->mutex) != 0)
        abort();
}
