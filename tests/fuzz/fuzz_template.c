/* Any bytes as the description of an API: it is read, or refused with an error at a place
 * that exists; what is read can be shown, and its indices are right. */
#include "base/mem.h"
#include "base/str.h"
#include "gateway/api_load.h"
#include "gateway/api_show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_api(const struct api *a)
{
    assert(a->selection != NULL && a->stage.name != NULL && a->routes_n > 0);
    for (size_t i = 0; i < a->routes_n; i++) {
        const struct api_route *r = &a->routes[i];

        assert(r->key != NULL && api_route(a, str_of(r->key)) == r);
        assert(r->integration >= API_NONE && r->integration < (int)a->integrations_n);
        assert(r->authorizer >= API_NONE && r->authorizer < (int)a->authorizers_n);
        assert(r->authorization != API_AUTH_CUSTOM || r->authorizer != API_NONE);
    }
    for (size_t i = 0; i < a->integrations_n; i++) {
        const struct api_integration *in = &a->integrations[i];

        assert(in->id != NULL && in->timeout_ms <= API_TIMEOUT_MAX_MS);
        assert(in->type != API_AWS_PROXY || in->function != NULL);
        assert((in->type != API_HTTP && in->type != API_HTTP_PROXY) ||
               (in->uri != NULL && in->method != NULL));
    }
    for (size_t i = 0; i < a->functions_n; i++)
        assert(a->functions[i].name != NULL);
}

static void check_notes(const struct notes *ns, struct str text)
{
    unsigned lines = 1;

    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n' || text.p[i] == '\r' || text.p[i] == 0xc2 || text.p[i] == 0xe2;
    for (size_t i = 0; i < ns->n; i++)
        assert(ns->at[i].place.line <= lines + 1 && ns->at[i].text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str text = {data, n};
    struct notes *ns = mem_zeroed(1, sizeof(*ns));
    struct api *api = NULL;
    struct buf out;
    int r;

    buf_init(&out, 64 << 20);
    notes_init(ns);
    r = api_load_text(text, "dir/file", NULL, &api, ns);
    assert((r == 0) == (ns->errors == 0) && (r == 0) == (api != NULL));
    check_notes(ns, text);
    if (api != NULL) {
        check_api(api);
        api_show(api, &out);
    }
    notes_print(ns, "file", &out);
    buf_fini(&out);
    api_free(api);
    free(ns);
    return 0;
}
