#include "trace/otlp.h"

#include "base/hex.h"
#include "base/json.h"
#include "base/str.h"

#include <stdio.h>

/* Status.code of what failed. */
#define STATUS_ERROR 2

static void otlp_text(struct json_out *o, const char *key, struct str value)
{
    json_out_object(o);
    json_out_field_str(o, "key", str_of(key));
    json_out_key(o, "value");
    json_out_object(o);
    json_out_field_str(o, "stringValue", value);
    json_out_object_end(o);
    json_out_object_end(o);
}

static void otlp_u64(struct json_out *o, const char *name, uint64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)v);

    json_out_field_str(o, name, (struct str){(const uint8_t *)text, (size_t)n});
}

static void otlp_count(struct json_out *o, const char *key, uint64_t v)
{
    json_out_object(o);
    json_out_field_str(o, "key", str_of(key));
    json_out_key(o, "value");
    json_out_object(o);
    otlp_u64(o, "intValue", v);
    json_out_object_end(o);
    json_out_object_end(o);
}

static void otlp_id(struct json_out *o, const char *name, const uint8_t *id, size_t n)
{
    char text[2 * TRACE_ID_N];

    assert(n <= TRACE_ID_N);
    (void)hex_write(text, id, n);
    json_out_field_str(o, name, (struct str){(const uint8_t *)text, 2 * n});
}

static void otlp_attributes(struct json_out *o, const struct trace_span *s)
{
    json_out_key(o, "attributes");
    json_out_array(o);
    if (s->room_n > 0)
        otlp_text(o, "polylog.room", (struct str){s->room, s->room_n});
    if (s->entries > 0)
        otlp_count(o, "polylog.entries", s->entries);
    if (s->followers > 0)
        otlp_count(o, "polylog.followers", s->followers);
    if (s->error != NULL)
        otlp_text(o, "error.type", str_of(s->error));
    json_out_array_end(o);
}

static void otlp_span(struct json_out *o, const struct trace_span *s, int64_t offset_us)
{
    static const uint8_t none[TRACE_SPAN_N];

    json_out_object(o);
    otlp_id(o, "traceId", s->at.id, TRACE_ID_N);
    otlp_id(o, "spanId", s->at.span, TRACE_SPAN_N);
    if (memcmp(s->parent, none, TRACE_SPAN_N) != 0)
        otlp_id(o, "parentSpanId", s->parent, TRACE_SPAN_N);
    json_out_field_str(o, "name", str_of(s->name));
    json_out_field_u64(o, "kind", s->kind);
    otlp_u64(o, "startTimeUnixNano", (s->began_us + (uint64_t)offset_us) * 1000);
    otlp_u64(o, "endTimeUnixNano", (s->ended_us + (uint64_t)offset_us) * 1000);
    otlp_attributes(o, s);
    json_out_key(o, "status");
    json_out_object(o);
    if (s->error != NULL)
        json_out_field_u64(o, "code", STATUS_ERROR);
    json_out_object_end(o);
    json_out_object_end(o);
}

void otlp_write(struct buf *out, const struct otlp_resource *from, const struct trace_span *spans,
                size_t n, int64_t offset_us)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    json_out_key(&o, "resourceSpans");
    json_out_array(&o);
    json_out_object(&o);
    json_out_key(&o, "resource");
    json_out_object(&o);
    json_out_key(&o, "attributes");
    json_out_array(&o);
    otlp_text(&o, "service.name", from->service);
    otlp_text(&o, "service.version", from->version);
    otlp_text(&o, "host.name", from->node);
    json_out_array_end(&o);
    json_out_object_end(&o);
    json_out_key(&o, "scopeSpans");
    json_out_array(&o);
    json_out_object(&o);
    json_out_key(&o, "scope");
    json_out_object(&o);
    json_out_field_str(&o, "name", STR("polylog"));
    json_out_object_end(&o);
    json_out_key(&o, "spans");
    json_out_array(&o);
    for (size_t i = 0; i < n; i++)
        otlp_span(&o, &spans[i], offset_us);
    json_out_array_end(&o);
    json_out_object_end(&o);
    json_out_array_end(&o);
    json_out_object_end(&o);
    json_out_array_end(&o);
    json_out_object_end(&o);
}
