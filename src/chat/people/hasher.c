#include "chat/people/hasher.h"

#include "base/mem.h"
#include "base/str.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Passwords give way: a worker that has something to do does it first. */
#define HASHER_NICE 10

/* What a client is compared with who has no hash: no text is known for it. */
#define NOBODY_SALT "cG9seWxvZ25vYm9keXNzYQ"
#define NOBODY_HASH "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

struct hasher {
    struct hasher_options o;
    struct io_helper *helper;
    struct host_lock *lock; /* of guesses */
    struct guesses guesses;
    _Atomic unsigned waiting;
    _Atomic uint64_t hashed, wrong, held;
    char nobody[HASHER_HASH_MAX];
};

/* A guess that another node told of. */
struct heard {
    struct io_job job; /* no home: the helper frees it */
    struct guess guess;
    uint64_t now_ms;
};

static_assert(HASHER_HASH_MAX >= crypto_pwhash_STRBYTES, "");

static uint64_t hasher_take(struct hasher *h, const struct hasher_job *j)
{
    uint64_t wait_ms;

    if (!j->guessing)
        return 0;
    host_lock_take(h->lock);
    wait_ms = guesses_take(&h->guesses, &j->guess, j->now_ms);
    host_lock_drop(h->lock);
    return wait_ms;
}

static void hasher_note(struct hasher *h, const struct hasher_job *j)
{
    if (!j->guessing)
        return;
    assert(!j->makes && j->wait_ms == 0);
    host_lock_take(h->lock);
    if (j->result == HASHER_DONE)
        guesses_right(&h->guesses, &j->guess);
    else if (j->result == HASHER_FAILED)
        guesses_give_back(&h->guesses, &j->guess);
    host_lock_drop(h->lock);
}

static void compare(struct hasher *h, struct hasher_job *j)
{
    bool nobody = j->hash[0] == '\0';
    const char *hash = nobody ? h->nobody : j->hash;
    bool same = crypto_pwhash_str_verify(hash, j->text, j->text_n) == 0;

    assert(j->text_n >= PASSWORD_MIN);
    j->result = same && !nobody ? HASHER_DONE : HASHER_WRONG;
    j->older = j->result == HASHER_DONE &&
               crypto_pwhash_str_needs_rehash(j->hash, h->o.passes, h->o.memory) != 0;
    if (j->result == HASHER_WRONG)
        atomic_fetch_add(&h->wrong, 1);
}

static void run_one(struct hasher *h, struct hasher_job *j)
{
    j->wait_ms = j->makes ? 0 : hasher_take(h, j);
    if (j->wait_ms > 0) {
        j->result = HASHER_WAITS;
        atomic_fetch_add(&h->held, 1);
    } else {
        atomic_fetch_add(&h->hashed, 1);
        if (!j->makes)
            compare(h, j);
        else if (crypto_pwhash_str(j->hash, j->text, j->text_n, h->o.passes, h->o.memory) == 0)
            j->result = HASHER_DONE;
        else
            j->result = HASHER_FAILED;
        hasher_note(h, j);
    }
    if (j->makes || !j->older)
        sodium_memzero(j->text, sizeof(j->text));
    atomic_fetch_sub(&h->waiting, 1);
}

static void take_in(struct hasher *h, struct heard *n)
{
    host_lock_take(h->lock);
    guesses_note(&h->guesses, &n->guess, n->now_ms);
    host_lock_drop(h->lock);
    free(n);
}

static uint64_t hasher_run(void *ctx, struct io_job *chain)
{
    struct hasher *h = ctx;

    while (chain != NULL) {
        struct io_mail *next = chain->mail.next;

        if (chain->home == NULL)
            take_in(h, CONTAINER_OF(chain, struct heard, job));
        else
            run_one(h, CONTAINER_OF(chain, struct hasher_job, job));
        chain = next == NULL ? NULL : CONTAINER_OF(next, struct io_job, mail);
    }
    return IO_FOREVER;
}

static void ran(struct io_mail *mail)
{
    struct hasher_job *j = CONTAINER_OF(mail, struct hasher_job, job.mail);

    j->done(j);
}

int hasher_new(struct io_host *host, const struct hasher_options *o, struct hasher **ret_hasher)
{
    struct hasher *h = mem_zeroed(1, sizeof(*h));
    struct io_helper_options helper = {.name = "password",
                                       .threads = o->threads,
                                       .chain_max = 1,
                                       .nice = HASHER_NICE,
                                       .run = hasher_run,
                                       .ctx = h};
    int r;

    if (sodium_init() < 0)
        abort();
    assert(o->threads > 0 && o->queue_max > 0);
    h->o = *o;
    h->lock = host_lock_new();
    guesses_init(&h->guesses);
    (void)snprintf(h->nobody, sizeof(h->nobody),
                   "$argon2id$v=19$m=%llu,t=%llu,p=1$" NOBODY_SALT "$" NOBODY_HASH,
                   (unsigned long long)o->memory / 1024, (unsigned long long)o->passes);
    r = host_helper_new(host, &helper, &h->helper);
    if (r < 0)
        hasher_free(h);
    else
        *ret_hasher = h;
    return r;
}

void hasher_stop(struct hasher *h)
{
    if (h == NULL)
        return;
    host_helper_close(h->helper);
    h->helper = NULL;
}

void hasher_free(struct hasher *h)
{
    if (h == NULL)
        return;
    assert(h->helper == NULL);
    guesses_fini(&h->guesses);
    host_lock_free(h->lock);
    free(h);
}

bool hasher_submit(struct hasher *h, struct hasher_job *j)
{
    assert(j->done != NULL && j->job.home != NULL && j->text_n <= sizeof(j->text));
    if (atomic_fetch_add(&h->waiting, 1) >= h->o.queue_max) {
        atomic_fetch_sub(&h->waiting, 1);
        return false;
    }
    j->hasher = h;
    j->older = false;
    j->job.mail.deliver = ran;
    host_submit(h->helper, &j->job);
    return true;
}

uint64_t hasher_guess(struct hasher *h, const struct guess *guess, uint64_t now_ms)
{
    uint64_t wait_ms;

    host_lock_take(h->lock);
    wait_ms = guesses_take(&h->guesses, guess, now_ms);
    host_lock_drop(h->lock);
    if (wait_ms > 0)
        atomic_fetch_add(&h->held, 1);
    return wait_ms;
}

void hasher_guessed(struct hasher *h, const struct guess *guess, bool right)
{
    if (!right) {
        atomic_fetch_add(&h->wrong, 1);
        return;
    }
    host_lock_take(h->lock);
    guesses_right(&h->guesses, guess);
    host_lock_drop(h->lock);
}

struct str hasher_tell(const struct guess *guess, char buf[static HASHER_TOLD_MAX])
{
    int n = snprintf(buf, HASHER_TOLD_MAX, "%llu %llu %d", (unsigned long long)guess->name,
                     (unsigned long long)guess->place, guess->known ? 1 : 0);

    return (struct str){(const uint8_t *)buf, (size_t)n};
}

void hasher_heard(struct hasher *h, struct str told, uint64_t now_ms)
{
    struct heard n = {.now_ms = now_ms}, *kept;
    uint64_t known;

    if (!str_to_u64(str_cut(&told, ' '), &n.guess.name) ||
        !str_to_u64(str_cut(&told, ' '), &n.guess.place) || !str_to_u64(told, &known))
        return;
    n.guess.known = known != 0;
    kept = mem_bytes(sizeof(*kept));
    *kept = n;
    host_submit(h->helper, &kept->job);
}

struct hasher_stats hasher_stats(const struct hasher *h)
{
    return (struct hasher_stats){atomic_load(&h->hashed), atomic_load(&h->wrong),
                                 atomic_load(&h->held)};
}

uint64_t hasher_mark(struct str text)
{
    uint8_t hash[crypto_generichash_BYTES_MIN];
    uint64_t v;

    (void)crypto_generichash(hash, sizeof(hash), text.p, text.n, NULL, 0);
    memcpy(&v, hash, sizeof(v));
    return v | 1;
}
