#include "io/signals.h"

#include "base/mem.h"
#include "io/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

static const int waited_for[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

struct signals {
    struct io *home;
    signals_caught_f *caught;
    void *ctx;
    sigset_t set;
    pthread_t thread;
    atomic_bool stopping;
};

/* Outlives the thread, so it holds what it needs. */
struct caught_mail {
    struct io_mail mail;
    signals_caught_f *caught;
    void *ctx;
    int signal, value;
};

static void caught_deliver(struct io_mail *mail)
{
    struct caught_mail *m = CONTAINER_OF(mail, struct caught_mail, mail);

    m->caught(m->ctx, m->signal, m->value);
    free(m);
}

static void *signals_run(void *arg)
{
    struct signals *s = arg;

    for (;;) {
        struct caught_mail *m;
        siginfo_t info;
        int caught = sigwaitinfo(&s->set, &info);

        if (caught < 0)
            continue;
        if (atomic_load(&s->stopping))
            return NULL;
        m = mem_bytes(sizeof(*m));
        *m = (struct caught_mail){
            .mail.deliver = caught_deliver, .caught = s->caught, .ctx = s->ctx, .signal = caught};
        if (info.si_code == SI_QUEUE)
            m->value = info.si_value.sival_int;
        io_post(s->home, &m->mail, &m->mail);
    }
}

int signals_start(struct io *home, signals_caught_f *caught, void *ctx,
                  struct signals **ret_signals)
{
    struct signals *s = calloc(1, sizeof(*s));
    int r;

    if (s == NULL)
        return -ENOMEM;
    s->home = home;
    s->caught = caught;
    s->ctx = ctx;
    (void)sigemptyset(&s->set);
    for (size_t i = 0; i < COUNTOF(waited_for); i++)
        (void)sigaddset(&s->set, waited_for[i]);
    (void)pthread_sigmask(SIG_BLOCK, &s->set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    r = thread_start(&s->thread, "signals", signals_run, s);
    if (r < 0) {
        free(s);
        return r;
    }
    *ret_signals = s;
    return 0;
}

void signals_stop(struct signals *s)
{
    if (s == NULL)
        return;
    atomic_store(&s->stopping, true);
    (void)pthread_kill(s->thread, SIGTERM);
    (void)pthread_join(s->thread, NULL);
    free(s);
}
