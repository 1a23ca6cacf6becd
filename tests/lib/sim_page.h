/* sim_page.h: clients behind API Gateway in the simulator, as the web page is one: each has a
 * cursor, drops by seq what it was shown before, joins after its cursor behind a gap, keeps what
 * it is sent while it joins, and repeats under the same cid what was not answered.
 *
 *   DOWN ──$connect──▶ CONNECTS ──▶ (ENTERS: login or auth) ──▶ OPEN: joins, sends ──▶ DOWN
 *
 * Where the answer to a join told of entries that do not come, the page joins again. It does not
 * look so for what it has sent: others deliver that, and the story looks whether they do. */
#ifndef LIB_SIM_PAGE_H
#define LIB_SIM_PAGE_H

#include "base/rng.h"
#include "lib/sim_function.h"

enum {
    SIM_PAGES = 5,
    SIM_PAGE_SEQS = 1024,
    SIM_PAGE_SENDS = 3,
    SIM_PAGE_ACKS = 512,
    SIM_PAGE_TOKEN = 512,
    SIM_PAGE_COMMAND = 128,
};

enum sim_page_state { SIM_PAGE_DOWN, SIM_PAGE_CONNECTS, SIM_PAGE_ENTERS, SIM_PAGE_OPEN };

/* A command that is repeated until it is answered. */
struct sim_page_send {
    bool pending;
    unsigned asked;                 /* its id; 0: it is not under way */
    uint64_t until_ms;              /* then it is asked */
    uint64_t seen;                  /* a message: the cursor at first */
    char cid[24];                   /* a message's; or empty: */
    char command[SIM_PAGE_COMMAND]; /* its parameters, as JSON: "action":… */
};

struct sim_page {
    enum sim_page_state state;
    char id[SIM_FUNCTION_ID];
    uint64_t connected_ms;
    char token[SIM_PAGE_TOKEN]; /* empty: it has not logged in yet */
    uint64_t user, epoch, cursor;
    uint64_t target; /* a join has told of entries up to there */
    bool arrays;     /* asks for the array form */
    bool joined, joining;
    bool barred;    /* was told that it may not read */
    bool resume;    /* is to join again */
    unsigned asked; /* to connect, to enter or to join */
    uint64_t until_ms;
    uint64_t held[SIM_PAGE_SEQS];
    unsigned held_n;
    struct sim_page_send sends[SIM_PAGE_SENDS];
    uint64_t came_ms[SIM_PAGE_SEQS]; /* Unix time when it was sent that last; 0: it was not */
    bool removed[SIM_PAGE_SEQS];     /* which took it out of the room */
};

/* A command that was acknowledged. */
struct sim_page_ack {
    uint64_t user, seq;
    char cid[24];
};

/* All of them; the story sets what stands before `pages`. */
struct sim_pages {
    struct io *io;
    struct rng *rng;
    struct gateway_model *gateway;
    void (*ask)(void *ctx, const struct sim_function_event *event);
    void *ctx;
    struct sim_page pages[SIM_PAGES];
    unsigned pages_n, asked, ids, cids;
    uint64_t hashes[SIM_PAGE_SEQS]; /* sim_page_hash of each entry as it came */
    struct sim_page_ack acks[SIM_PAGE_ACKS];
    unsigned acks_n;
    uint64_t shown, gaps, repeats, anew;
    char why[200]; /* the first thing that was violated */
};

/* Does what is due of the page. */
void sim_page_mind(struct sim_pages *p, struct sim_page *c);

/* The page's connection ends; $disconnect may be lost. */
void sim_page_go(struct sim_pages *p, struct sim_page *c);

/* The page wants to send a message, or to do what command says, as JSON without braces. Nothing
 * is done if too much was not answered yet. */
void sim_page_say(struct sim_pages *p, struct sim_page *c);
void sim_page_do(struct sim_pages *p, struct sim_page *c, const char *command);

/* A frame came (gateway_model_f; ctx: the pages): events and replies. */
void sim_page_arrived(void *ctx, struct str id, struct str body);

/* API Gateway's answer to $connect, of the event. */
void sim_page_connected(struct sim_pages *p, const struct sim_function_event *event, bool taken);

/* Returns true if the page is connected, and waits for nothing. */
bool sim_page_is_quiet(const struct sim_page *c);

void sim_page_violated(struct sim_pages *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
uint64_t sim_page_hash(struct str event);

#endif
