#include "store/store_dynamodb_scan.h"

#include "base/str.h"
#include "store/store_dynamodb_impl.h"

#include <stdio.h>

#define KEY_MAX (8 * 1024) /* of the service: 3 KB, before it is written as JSON */

static struct store_dynamodb_scan *scan_of(const struct chain *c)
{
    return CONTAINER_OF(c->req, struct store_dynamodb_scan, req);
}

/* A key as it came, to be sent back: {"name":{"N":"1"}}. */
static struct frame *key_of(const struct dynamo_item *last)
{
    struct buf b CLEANUP(buf_fini);
    struct json_out o;

    buf_init(&b, KEY_MAX);
    json_out_init(&o, &b);
    json_out_object(&o);
    for (unsigned i = 0; i < last->n; i++) {
        const struct dynamo_attr *a = &last->attrs[i];

        json_out_key_str(&o, a->name);
        json_out_object(&o);
        if (a->type == DYNAMO_B) {
            json_out_object_end(&o);
            return NULL; /* no table of an older system has such keys */
        }
        json_out_field_str(&o, a->type == DYNAMO_N ? "N" : "S", a->value);
        json_out_object_end(&o);
    }
    json_out_object_end(&o);
    return b.failed ? NULL : frame_copy(buf_peek(&b));
}

static void scan_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    struct store_dynamodb_scan *s = scan_of(c);

    if (v != DYNAMO_FINE) {
        store_dynamodb_call_why(c, a, sizeof(s->ret_why), s->ret_why);
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    if (a->last.n > 0) {
        s->ret_next = key_of(&a->last);
        if (s->ret_next == NULL) {
            (void)snprintf(s->ret_why, sizeof(s->ret_why), "its key has another type");
            store_dynamodb_call_finish(c, STORE_FAILED);
            return;
        }
    }
    c->d->reads++;
    c->d->records_read += a->items_n;
    for (size_t i = 0; i < a->items_n; i++)
        s->item(s->ctx, &a->items[i]);
    store_dynamodb_call_finish(c, STORE_OK);
}

/* Names are given by others names: some are words of the service's own. */
static void put_names(struct chain *c, struct json_out *o)
{
    const struct store_dynamodb_scan *s = scan_of(c);
    char text[DYNAMO_ATTRS_MAX * 16] = "", name[16];
    size_t n = 0;

    for (unsigned i = 0; i < s->names_n; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s#%u", i > 0 ? "," : "", i);
    json_out_field_str(o, "ProjectionExpression", str_of(text));
    json_out_key(o, "ExpressionAttributeNames");
    json_out_object(o);
    for (unsigned i = 0; i < s->names_n; i++) {
        (void)snprintf(name, sizeof(name), "#%u", i);
        json_out_field_str(o, name, str_of(s->names[i]));
    }
    json_out_object_end(o);
}

static void scan_deliver(struct io_mail *mail)
{
    struct io_job *job = CONTAINER_OF(mail, struct io_job, mail);
    struct store_req *req = CONTAINER_OF(job, struct store_req, job);

    req->done(req);
}

void store_dynamodb_scan(struct store *store, struct store_dynamodb_scan *s)
{
    struct store_dynamodb *d = CONTAINER_OF(store, struct store_dynamodb, store);
    struct chain *c = store_dynamodb_call_chain(d, &s->req);
    struct json_out o;

    assert(s->names_n > 0 && s->names_n <= DYNAMO_ATTRS_MAX);
    s->req.op = STORE_WALK;
    s->req.job.mail.deliver = scan_deliver;
    s->ret_next = NULL;
    (void)snprintf(s->ret_why, sizeof(s->ret_why), "there are no credentials");
    c->quiet = true;
    store_dynamodb_call_begin(c, "Scan", &o);
    json_out_field_str(&o, "TableName", str_of(s->table));
    json_out_field_bool(&o, "ConsistentRead", true);
    put_names(c, &o);
    if (s->start != NULL) {
        json_out_key(&o, "ExclusiveStartKey");
        json_out_raw(&o, frame_str(s->start));
    }
    store_dynamodb_call_send(c, &o, scan_answered);
}
