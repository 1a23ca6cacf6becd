#include "lib/sim_page.h"

#include "base/siphash.h"
#include "base/str.h"
#include "lib/check.h"

#include <string.h>

#define PATIENCE_MS 30000 /* for an answer: longer than a function may take */
#define FEW_S_MS 3000     /* for what an answer has told of */
#define AGAIN_MS 500      /* behind an error */

static const uint8_t hash_key[16] = "sim_page";

static uint64_t below(struct sim_pages *p, uint64_t n)
{
    return rng_below(p->rng, n);
}

static uint64_t now_ms(const struct sim_pages *p)
{
    return io_now_ms(p->io);
}

void sim_page_violated(struct sim_pages *p, const char *fmt, ...)
{
    va_list args;

    if (p->why[0] != '\0')
        return;
    va_start(args, fmt);
    (void)vsnprintf(p->why, sizeof(p->why), fmt, args);
    va_end(args);
}

uint64_t sim_page_hash(struct str event)
{
    return siphash(hash_key, event);
}

/* What clients ask for. */

static unsigned number_of(const struct sim_pages *p, const struct sim_page *c)
{
    return (unsigned)(c - p->pages);
}

static unsigned ask(struct sim_pages *p, struct sim_page *c, enum sim_function_kind kind,
                    const char *text)
{
    struct sim_function_event event = {.kind = kind,
                                       .client = number_of(p, c),
                                       .asked = ++p->asked,
                                       .connected_ms = c->connected_ms};
    int n = kind == SIM_MESSAGE
                ? snprintf(event.text, sizeof(event.text), "{\"id\":%u,%s}", p->asked, text)
                : snprintf(event.text, sizeof(event.text), "%s", text);

    assert_in_range(n, 0, sizeof(event.text) - 1);
    memcpy(event.id, c->id, sizeof(event.id));
    p->ask(p->ctx, &event);
    return event.asked;
}

/* A token at $connect is all that there is to say, but for the array form. */
static void come(struct sim_pages *p, struct sim_page *c)
{
    (void)snprintf(c->id, sizeof(c->id), "c%05u=", ++p->ids);
    c->connected_ms = io_wall_ms(p->io);
    c->state = SIM_PAGE_CONNECTS;
    c->joined = c->joining = c->barred = false;
    c->until_ms = now_ms(p) + PATIENCE_MS;
    c->asked = ask(p, c, SIM_CONNECT, c->arrays ? "" : c->token);
}

static void enter(struct sim_pages *p, struct sim_page *c)
{
    char text[SIM_PAGE_TOKEN + 64];

    if (c->token[0] == '\0')
        (void)snprintf(text, sizeof(text), "\"action\":\"login\",\"name\":\"u%u\"",
                       number_of(p, c));
    else
        (void)snprintf(text, sizeof(text), "\"action\":\"auth\",\"token\":\"%s\"%s", c->token,
                       c->arrays ? ",\"array\":true" : "");
    c->state = SIM_PAGE_ENTERS;
    c->joined = c->joining = false;
    c->until_ms = now_ms(p) + PATIENCE_MS;
    c->asked = ask(p, c, SIM_MESSAGE, text);
}

void sim_page_go(struct sim_pages *p, struct sim_page *c)
{
    if (c->state != SIM_PAGE_OPEN)
        return;
    gateway_model_close(p->gateway, str_of(c->id));
    if (below(p, 2) == 0) /* else it is lost */
        (void)ask(p, c, SIM_LEAVE, "");
    c->state = SIM_PAGE_DOWN;
    c->joined = c->joining = c->barred = false;
    c->held_n = 0;
    c->until_ms = now_ms(p) + below(p, 300);
}

static void join(struct sim_pages *p, struct sim_page *c)
{
    char text[200];
    int n = snprintf(text, sizeof(text),
                     "\"action\":\"join\",\"room\":\"" SIM_FUNCTION_ROOM "\",\"create\":false,"
                     "\"after\":%llu",
                     (unsigned long long)c->cursor);

    if (c->epoch > 0)
        (void)snprintf(text + n, sizeof(text) - (size_t)n, ",\"epoch\":%llu",
                       (unsigned long long)c->epoch);
    c->joining = true;
    c->resume = false;
    c->until_ms = now_ms(p) + PATIENCE_MS;
    c->asked = ask(p, c, SIM_MESSAGE, text);
}

static struct sim_page_send *new_send(struct sim_page *c)
{
    for (unsigned i = 0; i < SIM_PAGE_SENDS; i++) {
        struct sim_page_send *s = &c->sends[i];

        if (s->pending)
            continue;
        *s = (struct sim_page_send){.pending = true, .seen = c->cursor};
        return s;
    }
    return NULL;
}

void sim_page_say(struct sim_pages *p, struct sim_page *c)
{
    struct sim_page_send *s = new_send(c);

    if (s != NULL)
        (void)snprintf(s->cid, sizeof(s->cid), "cid%u", ++p->cids);
}

void sim_page_do(struct sim_pages *p, struct sim_page *c, const char *command)
{
    struct sim_page_send *s = new_send(c);

    (void)p;
    if (s != NULL)
        (void)snprintf(s->command, sizeof(s->command), "%s", command);
}

static void send_pending(struct sim_pages *p, struct sim_page *c, struct sim_page_send *s)
{
    char text[300];

    if (s->cid[0] != '\0')
        (void)snprintf(text, sizeof(text),
                       "\"action\":\"send\",\"room\":\"" SIM_FUNCTION_ROOM "\",\"text\":\"%s\","
                       "\"cid\":\"%s\",\"seen\":%llu",
                       s->cid, s->cid, (unsigned long long)s->seen);
    else
        (void)snprintf(text, sizeof(text), "%s", s->command);
    s->until_ms = now_ms(p) + PATIENCE_MS;
    s->asked = ask(p, c, SIM_MESSAGE, text);
}

static bool wants_to_join(const struct sim_page *c, bool late)
{
    if (c->joining)
        return late;
    if (c->joined)
        return c->resume || (c->cursor < c->target && late);
    return !c->barred || late || c->resume;
}

void sim_page_mind(struct sim_pages *p, struct sim_page *c)
{
    uint64_t now = now_ms(p);
    bool late = now >= c->until_ms;

    if (c->state == SIM_PAGE_DOWN && late)
        come(p, c);
    else if (c->state == SIM_PAGE_CONNECTS && late)
        c->state = SIM_PAGE_DOWN;
    else if (c->state == SIM_PAGE_ENTERS && late)
        enter(p, c);
    if (c->state != SIM_PAGE_OPEN)
        return;
    if (wants_to_join(c, late))
        join(p, c);
    for (unsigned i = 0; i < SIM_PAGE_SENDS; i++)
        if (c->sends[i].pending && now >= c->sends[i].until_ms)
            send_pending(p, c, &c->sends[i]);
}

void sim_page_connected(struct sim_pages *p, const struct sim_function_event *event, bool taken)
{
    struct sim_page *c = &p->pages[event->client];

    if (c->state != SIM_PAGE_CONNECTS || c->asked != event->asked)
        return;
    c->state = taken ? SIM_PAGE_OPEN : SIM_PAGE_DOWN;
    c->until_ms = 0;
    if (taken && (c->token[0] == '\0' || c->arrays))
        enter(p, c);
}

/* What clients are shown. */

static void hold(struct sim_page *c, uint64_t seq)
{
    for (unsigned i = 0; i < c->held_n; i++)
        if (c->held[i] == seq)
            return;
    if (c->held_n < SIM_PAGE_SEQS)
        c->held[c->held_n++] = seq;
}

static void show(struct sim_pages *p, struct sim_page *c, uint64_t seq)
{
    c->cursor = seq;
    p->shown++;
    if (c->cursor < c->target)
        c->until_ms = now_ms(p) + FEW_S_MS;
    if (c->removed[seq] && c->cursor >= c->target && !c->joining) {
        c->joined = false;
        c->barred = true;
        c->until_ms = now_ms(p) + 2000;
    }
}

/* Shows what is held and comes next. Behind a gap it joins. */
static void show_held(struct sim_pages *p, struct sim_page *c)
{
    unsigned n = 0;

    for (unsigned i = 0; i < c->held_n; i++)
        if (c->held[i] == c->cursor + 1) {
            show(p, c, c->held[i]);
            i = UINT32_MAX; /* from the first on */
        }
    for (unsigned i = 0; i < c->held_n; i++)
        if (c->held[i] > c->cursor)
            c->held[n++] = c->held[i];
    c->held_n = n;
    if (n > 0 && c->joined && c->cursor >= c->target) {
        p->gaps++;
        join(p, c);
    }
}

/* The number behind a key, as in `"seq":7`; 0 if the key is not there. */
static uint64_t number_in(struct str object, const char *key)
{
    const char *at = memmem(object.p, object.n, key, strlen(key));

    return at != NULL ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static bool has(struct str object, const char *part)
{
    return memmem(object.p, object.n, part, strlen(part)) != NULL;
}

static void event_arrived(struct sim_pages *p, struct sim_page *c, struct str object)
{
    uint64_t hash = sim_page_hash(object), seq = number_in(object, "\"seq\":");
    char member[48];

    if (!has(object, "\"room\":\"" SIM_FUNCTION_ROOM "\""))
        return; /* of the person's own log */
    if (seq == 0 || seq >= SIM_PAGE_SEQS) {
        sim_page_violated(p, "an event without a seq: %.*s", STR_ARGS(object));
        return;
    }
    if (p->hashes[seq] != 0 && p->hashes[seq] != hash)
        sim_page_violated(p, "entry %llu came in two forms", (unsigned long long)seq);
    p->hashes[seq] = hash;
    c->came_ms[seq] = io_wall_ms(p->io);
    (void)snprintf(member, sizeof(member), "\"user\":{\"id\":%llu,", (unsigned long long)c->user);
    c->removed[seq] = has(object, member) && has(object, "\"none\"");
    if (seq <= c->cursor) {
        p->repeats++;
        return;
    }
    if (!c->joining && !c->joined)
        return;
    hold(c, seq);
    if (c->joined && !c->joining)
        show_held(p, c);
}

/* Replies. */

static void entered(struct sim_pages *p, struct sim_page *c, struct str reply)
{
    struct str token = reply;
    const char *at = memmem(reply.p, reply.n, "\"token\":\"", 9);

    if (!has(reply, "\"ok\":")) {
        c->until_ms = now_ms(p) + AGAIN_MS;
        return;
    }
    if (at != NULL && c->token[0] == '\0') {
        token = str_skip(reply, (size_t)((const uint8_t *)at - reply.p) + 9);
        token = str_cut(&token, '"');
        assert_true(token.n < sizeof(c->token));
        memcpy(c->token, token.p, token.n);
        c->user = number_in(reply, "\"user\":{\"id\":");
        assert_true(c->user > 0);
        if (c->arrays) {
            enter(p, c);
            return;
        }
    }
    c->state = SIM_PAGE_OPEN;
    c->until_ms = 0;
}

static bool is_refusal(struct str reply)
{
    static const char *const codes[] = {"\"forbidden\"", "\"not_member\"", "\"no_such_room\""};

    for (size_t i = 0; i < COUNTOF(codes); i++)
        if (has(reply, codes[i]))
            return true;
    return false;
}

static void joined(struct sim_pages *p, struct sim_page *c, struct str reply)
{
    c->joining = false;
    c->until_ms = now_ms(p) + FEW_S_MS;
    if (has(reply, "\"error\":")) {
        c->joined = false;
        c->barred = is_refusal(reply);
        c->held_n = c->barred ? 0 : c->held_n;
        c->until_ms = now_ms(p) + (c->barred ? 2000 : AGAIN_MS);
        if (has(reply, "\"unauthenticated\"")) {
            p->anew++;
            enter(p, c);
        } else if (!c->barred) {
            c->joining = true; /* as if it had not been answered yet */
            c->asked = 0;
        }
        return;
    }
    if (has(reply, "\"reset\""))
        sim_page_violated(p, "a join behind %llu was answered with a reset",
                          (unsigned long long)c->cursor);
    c->joined = true;
    c->barred = false;
    c->epoch = number_in(reply, "\"epoch\":");
    c->target = number_in(reply, "\"head\":{\"seq\":");
    show_held(p, c);
}

/* The room is there already, for who has made it before; "unconfirmed" tells nothing. */
static bool is_final(struct str reply)
{
    return !has(reply, "\"error\":") || is_refusal(reply) || has(reply, "\"room_exists\"") ||
           has(reply, "\"unconfirmed\"");
}

static void did(struct sim_pages *p, struct sim_page *c, struct sim_page_send *s, struct str reply)
{
    s->asked = 0;
    s->until_ms = now_ms(p) + AGAIN_MS;
    if (has(reply, "\"unauthenticated\"") && c->state == SIM_PAGE_OPEN) {
        p->anew++;
        enter(p, c);
    }
    if (!is_final(reply))
        return;
    s->pending = false;
    if (has(reply, "\"error\":") || number_in(reply, "\"seq\":") == 0)
        return;
    assert_true(p->acks_n < SIM_PAGE_ACKS);
    p->acks[p->acks_n] =
        (struct sim_page_ack){.user = c->user, .seq = number_in(reply, "\"seq\":")};
    memcpy(p->acks[p->acks_n++].cid, s->cid, sizeof(s->cid));
}

static void reply_arrived(struct sim_pages *p, struct sim_page *c, struct str reply)
{
    unsigned id = (unsigned)number_in(reply, "{\"id\":");

    if (id == 0)
        sim_page_violated(p, "a reply without an id: %.*s", STR_ARGS(reply));
    if (getenv("REPLIES") != NULL && has(reply, "\"error\":"))
        print_message("%.*s\n", STR_ARGS(reply));
    for (unsigned i = 0; i < SIM_PAGE_SENDS; i++)
        if (c->sends[i].pending && c->sends[i].asked == id) {
            did(p, c, &c->sends[i], reply);
            return;
        }
    if (id != c->asked)
        return; /* to what was given up */
    if (c->state == SIM_PAGE_ENTERS)
        entered(p, c, reply);
    else if (c->joining)
        joined(p, c, reply);
}

/* The object that text begins with. */
static struct str first_object(struct str text)
{
    unsigned depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && c == '{')
            depth++;
        else if (!quoted && c == '}' && --depth == 0)
            return (struct str){text.p, i + 1};
    }
    return (struct str){0};
}

/* One object, or an array of them. */
void sim_page_arrived(void *ctx, struct str id, struct str body)
{
    struct sim_pages *p = ctx;
    struct sim_page *c = NULL;
    struct str one;

    for (unsigned i = 0; i < p->pages_n; i++)
        if (str_eq(str_of(p->pages[i].id), id) && p->pages[i].state >= SIM_PAGE_ENTERS)
            c = &p->pages[i];
    if (c == NULL)
        return;
    if (body.n > 0 && body.p[0] == '[' && !c->arrays)
        sim_page_violated(p, "an array for who does not know it");
    for (; body.n > 1; body = str_skip(body, one.n)) {
        if (body.p[0] == '[' || body.p[0] == ',')
            body = str_skip(body, 1);
        one = first_object(body);
        if (one.n == 0) {
            sim_page_violated(p, "a frame of something else: %.*s", STR_ARGS(body));
            return;
        }
        if (str_starts(one, STR("{\"event\":")))
            event_arrived(p, c, one);
        else
            reply_arrived(p, c, one);
    }
}

bool sim_page_is_quiet(const struct sim_page *c)
{
    for (unsigned i = 0; i < SIM_PAGE_SENDS; i++)
        if (c->sends[i].pending)
            return false;
    return c->state == SIM_PAGE_OPEN && !c->joining && !c->resume &&
           (c->barred || (c->joined && c->cursor >= c->target));
}
