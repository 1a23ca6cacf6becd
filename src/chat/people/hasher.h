/* hasher.h: passwords are hashed and compared here, by argon2id (RFC 9106, libsodium's), on helper
 * threads of their own: never on a worker. One hasher is a node's; its queue is bounded.
 *
 *   worker --hasher_submit--> [ queue ] --> may it be guessed? (guesses.h) --> argon2id --> done
 *
 * A comparison does the same work whether or not there is a hash to compare with. What may not be
 * guessed yet costs nothing. Wrong guesses that other nodes tell of count as well (hasher_heard).
 *
 * A text is wiped as soon as it has been used. */
#ifndef CHAT_PEOPLE_HASHER_H
#define CHAT_PEOPLE_HASHER_H

#include "base/base.h"
#include "chat/model/password.h"
#include "chat/people/guesses.h"
#include "io/host.h"

/* A hash as it is kept: PHC's string format. */
#define HASHER_HASH_MAX 128
/* Of hasher_tell. */
#define HASHER_TOLD_MAX 64

struct hasher;

struct hasher_options {
    uint64_t memory; /* bytes of argon2id */
    uint64_t passes;
    unsigned threads;
    unsigned queue_max; /* jobs that wait or run */
};

enum hasher_result {
    HASHER_DONE,   /* made; or it is the password */
    HASHER_WRONG,  /* it is not */
    HASHER_WAITS,  /* it may not be guessed before wait_ms */
    HASHER_FAILED, /* there is not enough memory */
};

struct hasher_stats {
    uint64_t hashed, wrong, held; /* argon2id's runs; wrong guesses; such as had to wait */
};

struct hasher_job {
    struct io_job job;                  /* job.home: where done is told */
    void (*done)(struct hasher_job *j); /* on job.home's loop, once */
    struct hasher *hasher;
    bool makes;    /* else it compares text with hash */
    bool guessing; /* of a comparison: it is counted, by guess and now_ms (io_now_ms) */
    struct guess guess;
    uint64_t now_ms;
    size_t text_n;
    char text[PASSWORD_BYTES_MAX]; /* prepared */
    char hash[HASHER_HASH_MAX];    /* NUL-terminated; made; or to compare with, empty: nobody's */
    enum hasher_result result;
    bool older; /* hash was made with other settings */
    uint64_t wait_ms;
};

/* 0 or -errno. */
int hasher_new(struct io_host *host, const struct hasher_options *o,
               struct hasher **ret_hasher) MUST_CHECK;

/* Ends the threads: what waits is done first, and mailed. Then the loops run once more, and
 * hasher_free. NULL is fine. */
void hasher_stop(struct hasher *h);
void hasher_free(struct hasher *h);

/* Any thread. False if the queue is full: nothing happens then. */
bool hasher_submit(struct hasher *h, struct hasher_job *j) MUST_CHECK;

/* The same counting for what is compared elsewhere, and costs no hash. Any thread. hasher_guess
 * asks for a guess, which counts as wrong until it was right: it returns 0, or after how many ms
 * there may be one. */
uint64_t hasher_guess(struct hasher *h, const struct guess *guess, uint64_t now_ms) MUST_CHECK;
void hasher_guessed(struct hasher *h, const struct guess *guess, bool right);

/* A wrong guess, for other nodes; and what another one said. */
struct str hasher_tell(const struct guess *guess, char buf[static HASHER_TOLD_MAX]);
void hasher_heard(struct hasher *h, struct str told, uint64_t now_ms);

/* Any thread. */
struct hasher_stats hasher_stats(const struct hasher *h);

/* What stands for a text in a guess: a name's key, an address. Never 0. */
uint64_t hasher_mark(struct str text);

#endif
