#include "io/mailbox.h"

#include <stdatomic.h>

/* The chain first .. last turned round, ended by NULL. */
static struct io_mail *turned(struct io_mail *first)
{
    struct io_mail *before = NULL;

    while (first != NULL) {
        struct io_mail *next = first->next;

        first->next = before;
        before = first;
        first = next;
    }
    return before;
}

bool mailbox_post(struct mailbox *m, struct io_mail *first, struct io_mail *last)
{
    struct io_mail *newest, *head;

    last->next = NULL;
    newest = turned(first);
    head = atomic_load_explicit(&m->newest, memory_order_relaxed);
    do
        first->next = head;
    while (!atomic_compare_exchange_weak(&m->newest, &head, newest));
    return atomic_load(&m->asleep) && atomic_exchange(&m->asleep, false);
}

bool mailbox_may_sleep(struct mailbox *m)
{
    atomic_store(&m->asleep, true);
    if (atomic_load(&m->newest) == NULL)
        return true;
    mailbox_woke(m);
    return false;
}

void mailbox_woke(struct mailbox *m)
{
    atomic_store_explicit(&m->asleep, false, memory_order_relaxed);
}

bool mailbox_deliver(struct mailbox *m)
{
    struct io_mail *mail;

    if (atomic_load_explicit(&m->newest, memory_order_relaxed) == NULL)
        return false;
    mail = turned(atomic_exchange(&m->newest, NULL));
    while (mail != NULL) {
        struct io_mail *next = mail->next;

        mail->deliver(mail);
        mail = next;
    }
    return true;
}
