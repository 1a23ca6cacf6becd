/* Descriptions as people write them, in tests/gateway/templates: what is read of X is as
 * X.txt says it, warnings included. */
#include "base/buf.h"
#include "base/str.h"
#include "gateway/api_load.h"
#include "gateway/api_show.h"
#include "io/file.h"
#include "lib/check.h"

#define DIR "tests/gateway/templates"

/* What is said of the file, then what was read of it. */
static void load(const char *path, const struct api_load_options *o, struct buf *out)
{
    struct notes *ns = malloc(sizeof(*ns));
    struct api *api = NULL;

    buf_init(out, 1 << 20);
    notes_init(ns);
    if (api_load(path, o, &api, ns) == 0)
        api_show(api, out);
    notes_print(ns, path, out);
    api_free(api);
    free(ns);
}

static void is_read_as(const char *name, const struct api_load_options *o, const char *as)
{
    struct buf seen CLEANUP(buf_fini), wanted CLEANUP(buf_fini);
    char path[200];

    (void)snprintf(path, sizeof(path), DIR "/%s", as);
    buf_init(&wanted, 1 << 20);
    assert_int_equal(file_read(path, &wanted), 0);
    (void)snprintf(path, sizeof(path), DIR "/%s", name);
    load(path, o, &seen);
    if (!str_eq(buf_peek(&seen), buf_peek(&wanted)))
        fail_msg("%s is read as\n%.*s", name, STR_ARGS(buf_peek(&seen)));
}

#define FIXTURE(test, name)                  \
    static void test(void **state)           \
    {                                        \
        (void)state;                         \
        is_read_as(name, NULL, name ".txt"); \
    }

FIXTURE(the_tutorials_chat, "sam_chat.yaml")
FIXTURE(a_websocket_api_of_sam, "sam_websocket_api.yaml")
FIXTURE(what_the_cdk_makes, "cdk.json")
FIXTURE(what_the_serverless_framework_makes,
        ".serverless/cloudformation-template-update-stack.json")
FIXTURE(containers_behind_a_vpc_link, "vpc_link.yaml")
FIXTURE(answers_without_a_server, "mock.yaml")
FIXTURE(an_authorizer, "authorizer.yaml")
FIXTURE(a_short_file, "short.yaml")
FIXTURE(a_short_file_in_json, "short.json")

static void parameters_change_what_is_read(void **state)
{
    struct api_pairs given = {0};
    struct api_load_options o = {.parameters = &given, .region = "eu-central-1"};

    (void)state;
    api_pairs_add(&given, STR("Stage"), STR("test"));
    api_pairs_add(&given, STR("Balancer.DNSName"), STR("localhost"));
    is_read_as("vpc_link.yaml", &o, "vpc_link.test.txt");
    api_pairs_add(&given, STR("Public"), STR("true"));
    is_read_as("vpc_link.yaml", &o, "vpc_link.public.txt");
    api_pairs_fini(&given);
}

static void a_stage_is_chosen(void **state)
{
    struct api_pairs given = {0};
    struct api_load_options o = {.parameters = &given, .stage = "green", .stack = "people"};

    (void)state;
    api_pairs_add(&given, STR("Function.CodeUri"), STR("/srv/chat"));
    api_pairs_add(&given, STR("Queue"), STR("http://localhost/queue"));
    is_read_as("authorizer.yaml", &o, "authorizer.green.txt");
    api_pairs_fini(&given);
}

CHECK_MAIN(cmocka_unit_test(the_tutorials_chat), cmocka_unit_test(a_websocket_api_of_sam),
           cmocka_unit_test(what_the_cdk_makes),
           cmocka_unit_test(what_the_serverless_framework_makes),
           cmocka_unit_test(containers_behind_a_vpc_link),
           cmocka_unit_test(answers_without_a_server), cmocka_unit_test(an_authorizer),
           cmocka_unit_test(a_short_file), cmocka_unit_test(a_short_file_in_json),
           cmocka_unit_test(parameters_change_what_is_read), cmocka_unit_test(a_stage_is_chosen))
