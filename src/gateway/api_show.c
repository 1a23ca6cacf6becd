#include "gateway/api_show.h"

#include "base/buf.h"
#include "base/str.h"

static const char *const types[] = {
    [API_MOCK] = "MOCK",
    [API_HTTP] = "HTTP",
    [API_HTTP_PROXY] = "HTTP_PROXY",
    [API_AWS_PROXY] = "AWS_PROXY",
};

static const char *or_none(const char *s)
{
    return s != NULL ? s : "-";
}

/* A text in one line: what is not printable becomes '?', what is long is cut. */
static void show_text(struct buf *out, const char *text, size_t max)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (i == max) {
            buf_append(out, STR("..."));
            return;
        }
        buf_append_byte(out, (uint8_t)text[i] < ' ' || text[i] == 0x7f ? '?' : (uint8_t)text[i]);
    }
}

static void show_rate(struct buf *out, unsigned rate, unsigned burst)
{
    if (rate > 0)
        buf_printf(out, ", %u/s", rate);
    if (burst > 0)
        buf_printf(out, ", burst %u", burst);
}

static void show_api(const struct api *a, struct buf *out)
{
    buf_printf(out, "API %s%s%s: routes by %s", or_none(a->name), a->id != NULL ? ", " : "",
               a->id != NULL ? a->id : "", or_none(a->selection));
    if (a->key_selection != NULL)
        buf_printf(out, ", keys by %s, %zu known", a->key_selection, a->keys_n);
    buf_printf(out, "\nStage %s", or_none(a->stage.name));
    show_rate(out, a->stage.rate, a->stage.burst);
    for (size_t i = 0; i < a->stage.variables.n; i++) {
        buf_printf(out, "%s %s=", i == 0 ? ":" : ",", a->stage.variables.at[i].name);
        show_text(out, a->stage.variables.at[i].value, 100);
    }
    buf_append(out, STR("\n"));
}

static void show_access(const struct api *a, const struct api_route *r, struct buf *out)
{
    if (r->authorization == API_AUTH_IAM)
        buf_append(out, STR(", AWS_IAM"));
    if (r->authorization == API_AUTH_CUSTOM && r->authorizer != API_NONE)
        buf_printf(out, ", authorizer %s", or_none(a->authorizers[r->authorizer].name));
    if (r->api_key_required)
        buf_append(out, STR(", API key"));
    for (size_t i = 0; i < r->required.n; i++)
        buf_printf(out, ", %s%s", r->required.at[i].name,
                   strcmp(r->required.at[i].value, "true") == 0 ? " required" : "");
}

static void show_routes(const struct api *a, struct buf *out)
{
    buf_append(out, STR("Routes\n"));
    for (size_t i = 0; i < a->routes_n; i++) {
        const struct api_route *r = &a->routes[i];
        const struct api_integration *in =
            r->integration != API_NONE ? &a->integrations[r->integration] : NULL;

        buf_printf(out, "  %-16s", r->key);
        if (in == NULL)
            buf_append(out, STR(" nothing"));
        else
            buf_printf(out, " %-10s %s", types[in->type],
                       in->function != NULL ? in->function
                       : in->uri != NULL    ? in->uri
                                            : in->id);
        if (r->answers)
            buf_append(out, STR(", answers"));
        show_access(a, r, out);
        show_rate(out, r->rate, r->burst);
        buf_append(out, STR("\n"));
    }
}

static void show_pairs(const struct api_pairs *p, const char *what, struct buf *out)
{
    for (size_t i = 0; i < p->n; i++) {
        buf_printf(out, "    %s%s = ", what, p->at[i].name);
        show_text(out, p->at[i].value, 100);
        buf_append(out, STR("\n"));
    }
}

static void show_integrations(const struct api *a, struct buf *out)
{
    buf_append(out, STR("Integrations\n"));
    for (size_t i = 0; i < a->integrations_n; i++) {
        const struct api_integration *in = &a->integrations[i];

        buf_printf(out, "  %-16s %s", in->id, types[in->type]);
        if (in->uri != NULL)
            buf_printf(out, " %s %s", or_none(in->method), in->uri);
        buf_printf(out, ", %u ms%s", in->timeout_ms, in->vpc_link ? ", VPC link" : "");
        if (in->template_selection != NULL)
            buf_printf(out, ", template by %s", in->template_selection);
        buf_append(out, in->passthrough == API_NEVER ? STR(", never passed through\n") : STR("\n"));
        show_pairs(&in->parameters, "", out);
        show_pairs(&in->templates, "template ", out);
        for (size_t k = 0; k < in->responses_n; k++) {
            buf_printf(out, "    response %s\n", or_none(in->responses[k].key));
            show_pairs(&in->responses[k].templates, "  template ", out);
        }
    }
}

static void show_authorizers(const struct api *a, struct buf *out)
{
    if (a->authorizers_n > 0)
        buf_append(out, STR("Authorizers\n"));
    for (size_t i = 0; i < a->authorizers_n; i++) {
        const struct api_authorizer *az = &a->authorizers[i];

        buf_printf(out, "  %-16s %s", or_none(az->name), or_none(az->function));
        for (size_t k = 0; k < az->sources_n; k++)
            buf_printf(out, "%s %s", k == 0 ? ", by" : ",", az->sources[k]);
        buf_append(out, STR("\n"));
    }
}

static void show_functions(const struct api *a, struct buf *out)
{
    if (a->functions_n > 0)
        buf_append(out, STR("Functions\n"));
    for (size_t i = 0; i < a->functions_n; i++) {
        const struct api_function *f = &a->functions[i];

        buf_printf(out, "  %-16s ", f->name);
        if (f->command != NULL)
            show_text(out, f->command, 100);
        else
            buf_printf(out, "%s %s", or_none(f->runtime), or_none(f->handler));
        if (f->code_inline != NULL)
            buf_append(out, STR(", code in the template"));
        else
            buf_printf(out, ", code in %s", f->code_dir != NULL ? f->code_dir : "?");
        buf_printf(out, ", %u s, %u MB", f->timeout_ms / 1000, f->memory_mb);
        if (f->concurrency > 0)
            buf_printf(out, ", %u at once", f->concurrency);
        if (f->per_environment > 1)
            buf_printf(out, ", %u in one process", f->per_environment);
        for (size_t k = 0; k < f->environment.n; k++)
            buf_printf(out, "%s %s", k == 0 ? ", with" : ",", f->environment.at[k].name);
        buf_append(out, STR("\n"));
    }
}

static void show_tables(const struct api *a, struct buf *out)
{
    if (a->tables.n > 0)
        buf_append(out, STR("Tables\n"));
    for (size_t i = 0; i < a->tables.n; i++)
        buf_printf(out, "  %s\n", a->tables.at[i].name);
}

void api_show(const struct api *a, struct buf *out)
{
    show_api(a, out);
    show_routes(a, out);
    show_integrations(a, out);
    show_authorizers(a, out);
    show_functions(a, out);
    show_tables(a, out);
}
