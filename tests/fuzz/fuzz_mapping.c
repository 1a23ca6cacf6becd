/* A template, a line end, and a body; the template as a source and as a selection expression,
 * too. */
#include "base/str.h"
#include "gateway/mapping.h"
#include "gateway/selection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct occasion_api about = {
        .id = "a", .stage = "prod", .domain = "d", .region = "r", .account = "1"};
    static const struct occasion_link person = {.id = "L0SM9cOFvHcCIhw=",
                                                .source_ip = "::1",
                                                .authorizer = {(const uint8_t *)"\"a\":1", 5}};
    struct str body = {data, n}, template = str_cut(&body, '\n'), bad = {0};
    struct occasion o = {.kind = OCCASION_MESSAGE,
                         .api = &about,
                         .link = &person,
                         .route_key = "$default",
                         .body = body};
    struct buf out CLEANUP(buf_fini), whole CLEANUP(buf_fini);
    struct api *a = api_new();

    buf_init(&out, 1 << 22);
    buf_init(&whole, 1 << 22);
    mapping_render(&o, a, template, body, &out);
    if (!mapping_valid(template, &bad))
        assert(bad.n > 0 && bad.p >= template.p && bad.p + bad.n == template.p + template.n);
    if (mapping_source(&o, a, template, &whole))
        assert(mapping_source_uses(template) != 0);
    buf_clear(&out);
    (void)!selection_evaluate(template, body, &out);
    api_free(a);
    return 0;
}
