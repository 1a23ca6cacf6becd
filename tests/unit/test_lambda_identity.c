/* Whose connection it is, as others tell the function: an outside issuer by its tokens, or the
 * gateway's authorizer. */
#include "base/str.h"
#include "lib/check.h"
#include "lib/function_rig.h"
#include "lib/issued_token.h"
#include "lib/jwk_samples.h"

#include <errno.h>
#include <string.h>

#define ISSUER "https://id.example.org"
#define KEYS "{\"keys\":[" JWK_SAMPLES_OKP "]}"
#define MINUTE_MS 60000

static int setup_with(void **state, char *const *env)
{
    static struct function_rig rig;

    function_rig_init(&rig, env);
    rig.http.answer_body = KEYS;
    *state = &rig;
    return 0;
}

static int setup_issuer(void **state)
{
    char issuer[] = "POLYLOG_ISSUER=" ISSUER, audience[] = "POLYLOG_AUDIENCE=chat";
    char jwks[] = "POLYLOG_JWKS=https://keys.example.org/k";

    return setup_with(state, (char *const[]){issuer, audience, jwks, NULL});
}

static int setup_principal(void **state)
{
    char principal[] = "POLYLOG_GATEWAY_PRINCIPAL=true";

    return setup_with(state, (char *const[]){principal, NULL});
}

static int setup_neither(void **state)
{
    return setup_with(state, (char *const[]){NULL});
}

static int teardown(void **state)
{
    function_rig_fini(*state);
    return 0;
}

/* $connect with a token of the issuer for the subject, signed by a key of that name. */
static const char *come(struct function_rig *r, const char *id, const char *kid,
                        const char *subject)
{
    struct sim_function_event event = {.kind = SIM_CONNECT};
    char claims[512];
    struct buf token;

    (void)snprintf(claims, sizeof(claims),
                   "{'iss':'" ISSUER "','aud':'chat','exp':%llu,'iat':%llu,'sub':'%s'}",
                   (unsigned long long)function_rig_wall_ms(r) / 1000 + 3600,
                   (unsigned long long)function_rig_wall_ms(r) / 1000, subject);
    token = issued_token(kid, claims);
    (void)snprintf(event.id, sizeof(event.id), "%s", id);
    (void)snprintf(event.text, sizeof(event.text), "%.*s", STR_ARGS(buf_peek(&token)));
    buf_fini(&token);
    return function_rig_ask(r, 0, &event);
}

static const char *say(struct function_rig *r, const char *id, const char *principal,
                       const char *command)
{
    return function_rig_say(r, 0, id, principal, command);
}

static const char *vouch(struct function_rig *r, const char *id, const char *principal)
{
    struct sim_function_event event = {.kind = SIM_CONNECT};

    (void)snprintf(event.id, sizeof(event.id), "%s", id);
    (void)snprintf(event.principal, sizeof(event.principal), "%s", principal);
    return function_rig_ask(r, 0, &event);
}

#define SESSIONS "{\"id\":1,\"action\":\"sessions\"}"

static void a_token_of_the_issuer_is_enough(void **state)
{
    struct function_rig *r = *state;

    function_rig_has(come(r, "ana=", "okp", "ana"), "\"statusCode\":200");
    assert_string_equal(r->http.url, "https://keys.example.org/k");
    assert_int_equal(r->http.asked_n, 1);
    function_rig_has(say(r, "ana=", "", SESSIONS), "\\\"ok\\\":");
    /* The keys are kept, and who was met; another person is another. */
    function_rig_has(come(r, "ana2=", "okp", "ana"), "\"statusCode\":200");
    function_rig_has(come(r, "ben=", "okp", "ben"), "\"statusCode\":200");
    assert_int_equal(r->http.asked_n, 1);
    function_rig_has(say(r, "ben=", "", "{\"id\":2,\"action\":\"users\",\"query\":\"a\"}"), "ana");
}

static void keys_are_fetched_again_when_they_are_old(void **state)
{
    struct function_rig *r = *state;

    r->http.answer_headers = "cache-control: max-age=600\n";
    function_rig_has(come(r, "c1=", "okp", "ana"), "\"statusCode\":200");
    function_rig_pass(r, 9 * MINUTE_MS);
    function_rig_has(come(r, "c2=", "okp", "ana"), "\"statusCode\":200");
    assert_int_equal(r->http.asked_n, 1);
    function_rig_pass(r, 2 * MINUTE_MS);
    function_rig_has(come(r, "c3=", "okp", "ana"), "\"statusCode\":200");
    assert_int_equal(r->http.asked_n, 2);
    /* The last good ones stay while they cannot be had, and are asked for now and then. */
    r->http.error = -ETIMEDOUT;
    function_rig_pass(r, 11 * MINUTE_MS);
    function_rig_has(come(r, "c4=", "okp", "ana"), "\"statusCode\":200");
    function_rig_has(come(r, "c5=", "okp", "ana"), "\"statusCode\":200");
    assert_int_equal(r->http.asked_n, 3);
    function_rig_pass(r, r->conf.jwks_stale_ms);
    function_rig_has(come(r, "c6=", "okp", "ana"), "\"statusCode\":503");
}

static void an_unknown_key_is_asked_for_seldom(void **state)
{
    struct function_rig *r = *state;

    function_rig_has(come(r, "c1=", "okp", "ana"), "\"statusCode\":200");
    function_rig_pass(r, MINUTE_MS);
    function_rig_has(come(r, "c2=", "other", "ana"), "\"statusCode\":503");
    function_rig_has(come(r, "c3=", "other", "ana"), "\"statusCode\":503");
    assert_int_equal(r->http.asked_n, 2);
    function_rig_has(come(r, "c4=", "okp", "ana"), "\"statusCode\":200");
}

static void no_token_of_another_is_taken(void **state)
{
    struct function_rig *r = *state;

    function_rig_has(come(r, "c1=", "okp", "ana"), "\"statusCode\":401");
    assert_int_equal(r->http.asked_n, 0);
}

static void the_authorizer_says_who_it_is(void **state)
{
    struct function_rig *r = *state;

    function_rig_has(vouch(r, "ana=", "arn-ana"), "\"statusCode\":200");
    function_rig_has(say(r, "ana=", "", SESSIONS), "\\\"ok\\\":");
    function_rig_has(vouch(r, "ben=", "arn-ben"), "\"statusCode\":200");
    function_rig_has(say(r, "ben=", "", "{\"id\":2,\"action\":\"users\",\"query\":\"arn\"}"),
                     "arn-ana");
    /* Also where the connection's row is lost: it comes with each event. */
    function_rig_has(say(r, "eve=", "arn-eve", SESSIONS), "\\\"ok\\\":");
}

static void it_is_not_believed_unless_told_to(void **state)
{
    struct function_rig *r = *state;

    function_rig_has(vouch(r, "ana=", "arn-ana"), "\"statusCode\":200"); /* as nobody */
    function_rig_has(say(r, "ana=", "arn-ana", SESSIONS), "unauthenticated");
}

static void a_session_that_was_ended_stays_so(void **state)
{
    struct function_rig *r = *state;

    function_rig_has(vouch(r, "ana=", "arn-ana"), "\"statusCode\":200");
    function_rig_has(say(r, "ana=", "arn-ana", "{\"id\":3,\"action\":\"logout\"}"),
                     "\"statusCode\":200");
    assert_null(strstr(say(r, "ana=", "arn-ana", SESSIONS), "ok")); /* it is closed */
    function_rig_has(vouch(r, "ana=", "arn-ana"), "\"statusCode\":401");
    function_rig_has(vouch(r, "ana2=", "arn-ana"), "\"statusCode\":200");
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

CHECK_MAIN(TEST(a_token_of_the_issuer_is_enough, setup_issuer),
           TEST(keys_are_fetched_again_when_they_are_old, setup_issuer),
           TEST(an_unknown_key_is_asked_for_seldom, setup_issuer),
           TEST(no_token_of_another_is_taken, setup_neither),
           TEST(the_authorizer_says_who_it_is, setup_principal),
           TEST(it_is_not_believed_unless_told_to, setup_neither),
           TEST(a_session_that_was_ended_stays_so, setup_principal))
