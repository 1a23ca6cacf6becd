#include "base/emf_line.h"

#include "base/json.h"
#include "base/str.h"

/* The metadata object: which members of the document are metrics, and of which dimension. */
static void emf_meta(struct json_out *o, const struct emf_about *about,
                     const struct emf_value *metrics, size_t n)
{
    json_out_key(o, "_aws");
    json_out_object(o);
    json_out_field_u64(o, "Timestamp", about->wall_ms);
    json_out_key(o, "CloudWatchMetrics");
    json_out_array(o);
    json_out_object(o);
    json_out_field_str(o, "Namespace", about->name_space);
    json_out_key(o, "Dimensions");
    json_out_array(o);
    json_out_array(o);
    json_out_str(o, STR("Service"));
    json_out_array_end(o);
    json_out_array_end(o);
    json_out_key(o, "Metrics");
    json_out_array(o);
    for (size_t i = 0; i < n; i++) {
        json_out_object(o);
        json_out_field_str(o, "Name", str_of(metrics[i].name));
        json_out_field_str(o, "Unit", str_of(metrics[i].unit));
        json_out_object_end(o);
    }
    json_out_array_end(o);
    json_out_object_end(o);
    json_out_array_end(o);
    json_out_object_end(o);
}

static void emf_put_value(struct json_out *o, const struct emf_value *m)
{
    json_out_key(o, m->name);
    if (m->values == NULL) {
        json_out_double(o, m->v);
        return;
    }
    assert(m->values_n > 0 && m->values_n <= EMF_VALUES_MAX);
    json_out_array(o);
    for (size_t i = 0; i < m->values_n; i++)
        json_out_double(o, m->values[i]);
    json_out_array_end(o);
}

void emf_line_write(const struct emf_about *about, const struct emf_value *metrics, size_t n,
                    struct buf *out)
{
    struct json_out o;

    assert(about->name_space.n > 0 && about->name_space.n <= EMF_TEXT_MAX);
    assert(about->service.n > 0 && about->service.n <= EMF_TEXT_MAX);
    assert(n <= EMF_METRICS_MAX);
    json_out_init(&o, out);
    json_out_object(&o);
    emf_meta(&o, about, metrics, n);
    json_out_field_str(&o, "Service", about->service);
    json_out_field_str(&o, "node", about->node);
    json_out_field_str(&o, "version", about->version);
    for (size_t i = 0; i < n; i++)
        emf_put_value(&o, &metrics[i]);
    json_out_object_end(&o);
}
