#include "gateway/template_table.h"

#include "base/json.h"
#include "base/str.h"
#include "gateway/template_ref.h"

#include <stdlib.h>

enum { REQUEST_MAX = 64 * 1024, NAME_MAX_BYTES = 300 };

static void write_value(struct template *t, const struct doc_value *v, struct json_out *o);

/* What is written of a map: all but what only AWS has a use for. */
static bool is_written(struct str key)
{
    return !str_eq(key, STR("ProvisionedThroughput")) && !str_eq(key, STR("OnDemandThroughput")) &&
           !str_eq(key, STR("ContributorInsightsSpecification")) &&
           !str_eq(key, STR("WarmThroughput")) && !str_eq(key, STR("ResourcePolicy"));
}

static void write_below(struct template *t, const struct doc_value *v, struct json_out *o)
{
    bool is_map = v->kind == DOC_MAP;

    if (is_map)
        json_out_object(o);
    else
        json_out_array(o);
    for (const struct doc_value *i = v->first; i != NULL; i = i->next) {
        if (is_map && !is_written(i->key))
            continue;
        if (is_map)
            json_out_key_str(o, i->key);
        write_value(t, i, o);
    }
    if (is_map)
        json_out_object_end(o);
    else
        json_out_array_end(o);
}

/* Every scalar of these properties is a text. The depth is the template's, which is bounded. */
static void write_value(struct template *t, const struct doc_value *v, struct json_out *o)
{
    const struct doc_value *found = template_eval_value(&t->eval, v);
    struct buf text CLEANUP(buf_fini);

    buf_init(&text, TEMPLATE_EVAL_TEXT_MAX);
    if (found == NULL)
        json_out_null(o);
    else if (found->kind != DOC_SCALAR && !template_eval_is_call(found))
        write_below(t, found, o);
    else if (template_eval_text(&t->eval, found, &text))
        json_out_str(o, buf_peek(&text));
    else
        json_out_null(o);
}

static void write_property(const struct template_part *p, const char *name, struct json_out *o)
{
    const struct doc_value *v = template_part_value(p, name);

    if (v == NULL)
        return;
    json_out_key(o, name);
    write_value(p->t, v, o);
}

static void write_table(const struct template_part *p, struct json_out *o)
{
    static const char *const taken[] = {"KeySchema", "AttributeDefinitions",
                                        "GlobalSecondaryIndexes", "LocalSecondaryIndexes"};
    struct template_part stream = template_part_below(p, "StreamSpecification");

    for (size_t i = 0; i < COUNTOF(taken); i++)
        write_property(p, taken[i], o);
    if (stream.properties == NULL)
        return;
    json_out_key(o, "StreamSpecification");
    json_out_object(o);
    json_out_field_bool(o, "StreamEnabled", true);
    write_property(&stream, "StreamViewType", o);
    json_out_object_end(o);
}

/* SAM's: one key, by default "id", a text. */
static void write_simple(const struct template_part *p, struct json_out *o)
{
    static const char *const types[] = {"String", "Number", "Binary"};
    struct template_part key = template_part_below(p, "PrimaryKey");
    size_t type = template_part_choice(&key, "Type", types, COUNTOF(types), 0);
    char *name = NULL;

    template_part_text(&key, "Name", &name);
    json_out_key(o, "KeySchema");
    json_out_array(o);
    json_out_object(o);
    json_out_field_str(o, "AttributeName", str_of(name != NULL ? name : "id"));
    json_out_field_str(o, "KeyType", STR("HASH"));
    json_out_object_end(o);
    json_out_array_end(o);
    json_out_key(o, "AttributeDefinitions");
    json_out_array(o);
    json_out_object(o);
    json_out_field_str(o, "AttributeName", str_of(name != NULL ? name : "id"));
    json_out_field_str(o, "AttributeType",
                       (struct str){(const uint8_t *)&"SNBS"[MIN(type, (size_t)3)], 1});
    json_out_object_end(o);
    json_out_array_end(o);
    free(name);
}

void template_table_read(struct template *t, const struct doc_value *resource)
{
    struct template_part p = template_part_of(t, resource);
    struct buf name CLEANUP(buf_fini), request CLEANUP(buf_fini);
    struct json_out o;

    buf_init(&name, NAME_MAX_BYTES);
    buf_init(&request, REQUEST_MAX);
    if (t->draft->api->tables.n == API_TABLES_MAX) {
        template_part_note(&p, NULL, NOTE_too_many, "there are more than %d tables",
                           API_TABLES_MAX);
        return;
    }
    if (!template_ref(&t->eval, resource->key, resource->key_at, &name))
        return;
    json_out_init(&o, &request);
    json_out_object(&o);
    json_out_field_str(&o, "TableName", buf_peek(&name));
    json_out_field_str(&o, "BillingMode", STR("PAY_PER_REQUEST"));
    if (str_eq(template_eval_type(resource), STR("AWS::Serverless::SimpleTable")))
        write_simple(&p, &o);
    else
        write_table(&p, &o);
    json_out_object_end(&o);
    if (request.failed)
        template_part_note(&p, NULL, NOTE_too_big, "the table's description is above %d KB",
                           REQUEST_MAX / 1024);
    else
        api_pairs_add(&t->draft->api->tables, buf_peek(&name), buf_peek(&request));
}
