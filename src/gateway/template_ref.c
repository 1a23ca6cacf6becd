#include "gateway/template_ref.h"

#include "base/str.h"

/* Types of which Ref is a name, and the property that says it. */
static const struct {
    const char *type, *property;
} named[] = {
    {"AWS::Lambda::Function", "FunctionName"},
    {"AWS::Serverless::Function", "FunctionName"},
    {"AWS::ApiGatewayV2::Stage", "StageName"},
    {"AWS::DynamoDB::Table", "TableName"},
    {"AWS::DynamoDB::GlobalTable", "TableName"},
    {"AWS::Serverless::SimpleTable", "TableName"},
    {"AWS::S3::Bucket", "BucketName"},
    {"AWS::SSM::Parameter", "Name"},
    {"AWS::IAM::Role", "RoleName"},
    {"AWS::Logs::LogGroup", "LogGroupName"},
    {"AWS::Events::EventBus", "Name"},
};

const char *template_ref_given(const struct template_eval *e, struct str name)
{
    return e->options->parameters != NULL ? api_pairs_get(e->options->parameters, name) : NULL;
}

static bool pseudo(struct template_eval *e, struct str name, struct buf *out)
{
    if (str_eq(name, STR("AWS::Region")))
        buf_append(out, str_of(e->region));
    else if (str_eq(name, STR("AWS::AccountId")))
        buf_append(out, str_of(e->account));
    else if (str_eq(name, STR("AWS::StackName")))
        buf_append(out, str_of(e->stack));
    else if (str_eq(name, STR("AWS::Partition")))
        buf_append(out, STR("aws"));
    else if (str_eq(name, STR("AWS::URLSuffix")))
        buf_append(out, STR("amazonaws.com"));
    else if (str_eq(name, STR("AWS::StackId")))
        buf_printf(out, "arn:aws:cloudformation:%s:%s:stack/%s/local", e->region, e->account,
                   e->stack);
    else
        return str_eq(name, STR("AWS::NotificationARNs")) || str_eq(name, STR("AWS::NoValue"));
    return true;
}

/* Whether the value is one of AllowedValues, if there are any. */
static bool is_allowed(const struct doc_value *p, struct str value)
{
    const struct doc_value *allowed = doc_get(p, STR("AllowedValues"));

    if (allowed == NULL || allowed->kind != DOC_LIST)
        return true;
    for (const struct doc_value *v = allowed->first; v != NULL; v = v->next)
        if (str_eq(v->text, value))
            return true;
    return false;
}

static bool parameter(struct template_eval *e, const struct doc_value *p, struct str name,
                      struct buf *out)
{
    const char *given = template_ref_given(e, name);
    const struct doc_value *otherwise = doc_get(p, STR("Default"));
    struct str value;

    if (given == NULL && (otherwise == NULL || otherwise->kind != DOC_SCALAR)) {
        if (otherwise != NULL && otherwise->kind == DOC_NULL)
            return true;
        notes_add(e->notes, NOTE_no_parameter_value, p->key_at,
                  "the parameter has no default; give it with --parameter %.*s=VALUE",
                  STR_ARGS(name));
        return false;
    }
    value = given != NULL ? str_of(given) : otherwise->text;
    if (!is_allowed(p, value)) {
        notes_add(e->notes, NOTE_bad_parameter, p->key_at,
                  "\"%.*s\" is not one of the AllowedValues of %.*s", STR_ARGS(value),
                  STR_ARGS(name));
        return false;
    }
    if (given == NULL && str_starts(template_eval_type(p), STR("AWS::SSM::Parameter::Value")))
        notes_add(e->notes, NOTE_unknown_here, p->key_at,
                  "the value is in SSM; its name is used instead. Give it with --parameter "
                  "%.*s=VALUE",
                  STR_ARGS(name));
    buf_append(out, value);
    return true;
}

/* The resource's name property, or its logical id. */
static bool name_of(struct template_eval *e, const struct doc_value *resource, const char *property,
                    struct buf *out)
{
    const struct doc_value *v =
        template_eval_value(e, doc_get(doc_get(resource, STR("Properties")), str_of(property)));

    if (v != NULL)
        return template_eval_text(e, v, out);
    buf_append(out, resource->key);
    return true;
}

static bool arn_of_function(struct template_eval *e, const struct doc_value *resource,
                            struct buf *out)
{
    buf_printf(out, "arn:aws:lambda:%s:%s:function:", e->region, e->account);
    return name_of(e, resource, "FunctionName", out);
}

/* Ref of a version or an alias: the function's ARN, and what follows. */
static bool arn_of_version(struct template_eval *e, const struct doc_value *resource,
                           struct buf *out)
{
    const struct doc_value *properties = doc_get(resource, STR("Properties"));
    struct buf name CLEANUP(buf_fini);

    buf_init(&name, TEMPLATE_EVAL_TEXT_MAX);
    if (doc_get(properties, STR("FunctionName")) == NULL) {
        notes_add(e->notes, NOTE_missing, resource->key_at, "FunctionName is missing");
        return false;
    }
    if (!name_of(e, resource, "FunctionName", &name))
        return false;
    buf_printf(out, "arn:aws:lambda:%s:%s:function:%.*s:", e->region, e->account,
               STR_ARGS(template_eval_function_name(buf_peek(&name))));
    if (doc_get(properties, STR("Name")) != NULL)
        return name_of(e, resource, "Name", out);
    buf_append_byte(out, '1');
    return true;
}

static void warn_unknown(struct template_eval *e, struct note_place at, struct str name,
                         struct str stand_in)
{
    notes_add(e->notes, NOTE_unknown_here, at,
              "%.*s is known in AWS only; \"%.*s\" is used. Give it with --parameter %.*s=VALUE",
              STR_ARGS(name), STR_ARGS(stand_in), STR_ARGS(name));
}

static bool resource_ref(struct template_eval *e, const struct doc_value *r, struct note_place at,
                         struct buf *out)
{
    struct str type = template_eval_type(r);

    for (size_t i = 0; i < COUNTOF(named); i++)
        if (str_eq(type, str_of(named[i].type)))
            return name_of(e, r, named[i].property, out);
    if (str_eq(type, STR("AWS::Lambda::Alias")) || str_eq(type, STR("AWS::Lambda::Version")))
        return arn_of_version(e, r, out);
    if (!str_starts(type, STR("AWS::ApiGateway")) && !str_starts(type, STR("AWS::Serverless::")))
        warn_unknown(e, at, r->key, r->key);
    buf_append(out, r->key);
    return true;
}

/* Whether a resource whose logical id begins name, made by SAM, may have it. */
static bool made_by_sam(const struct template_eval *e, struct str name)
{
    if (!e->transformed || e->resources == NULL || e->resources->kind != DOC_MAP)
        return false;
    for (const struct doc_value *r = e->resources->first; r != NULL; r = r->next)
        if (str_starts(name, r->key) && str_starts(template_eval_type(r), STR("AWS::Serverless::")))
            return true;
    return str_starts(name, STR("Serverless"));
}

/* What is not in the template. */
static bool unresolved(struct template_eval *e, struct str name, struct note_place at,
                       struct buf *out)
{
    if (made_by_sam(e, name)) {
        warn_unknown(e, at, name, name);
        buf_append(out, name);
        return true;
    }
    notes_add(e->notes, NOTE_unresolved, at,
              "\"%.*s\" is neither a parameter nor a resource of the template", STR_ARGS(name));
    return false;
}

bool template_ref(struct template_eval *e, struct str name, struct note_place at, struct buf *out)
{
    const struct doc_value *p = doc_get(e->parameters, name);
    const struct doc_value *r;
    const char *given;

    if (str_starts(name, STR("AWS::"))) {
        if (pseudo(e, name, out))
            return true;
        notes_add(e->notes, NOTE_unresolved, at, "there is no %.*s", STR_ARGS(name));
        return false;
    }
    if (p != NULL)
        return parameter(e, p, name, out);
    given = template_ref_given(e, name);
    if (given != NULL) {
        buf_append(out, str_of(given));
        return true;
    }
    r = template_eval_resource(e, name);
    return r != NULL ? resource_ref(e, r, at, out) : unresolved(e, name, at, out);
}

static bool is_of_function(struct str type)
{
    return str_eq(type, STR("AWS::Lambda::Function")) ||
           str_eq(type, STR("AWS::Serverless::Function"));
}

static bool is_table(struct str type)
{
    return str_starts(type, STR("AWS::DynamoDB::")) ||
           str_eq(type, STR("AWS::Serverless::SimpleTable"));
}

static bool attribute(struct template_eval *e, const struct doc_value *r, struct str name,
                      struct note_place at, struct buf *out)
{
    struct str type = template_eval_type(r);
    struct str attr = str_skip(name, r->key.n + 1);
    bool arn = str_eq(attr, STR("Arn"));
    struct str id = {attr.p + (attr.n > 2 ? attr.n - 2 : 0), MIN(attr.n, 2)};

    if (is_of_function(type) && arn)
        return arn_of_function(e, r, out);
    if (is_table(type) && arn) {
        buf_printf(out, "arn:aws:dynamodb:%s:%s:table/", e->region, e->account);
        return name_of(e, r, "TableName", out);
    }
    if (str_starts(type, STR("AWS::ApiGatewayV2::")) && str_eq(id, STR("Id"))) {
        buf_append(out, r->key);
        return true;
    }
    if (str_eq(attr, STR("ApiEndpoint"))) {
        buf_printf(out, "wss://%.*s.execute-api.%s.amazonaws.com", STR_ARGS(r->key), e->region);
        return true;
    }
    warn_unknown(e, at, name, name);
    buf_append(out, name);
    return true;
}

bool template_ref_attribute(struct template_eval *e, struct str name, struct note_place at,
                            struct buf *out)
{
    const char *given = template_ref_given(e, name);
    struct str rest = name;
    struct str id = str_cut(&rest, '.');
    const struct doc_value *r = template_eval_resource(e, id);

    if (given != NULL) {
        buf_append(out, str_of(given));
        return true;
    }
    return r != NULL ? attribute(e, r, name, at, out) : unresolved(e, name, at, out);
}

void template_ref_import(struct template_eval *e, struct str name, struct note_place at,
                         struct buf *out)
{
    const char *given = template_ref_given(e, name);

    e->imports = true;
    if (given == NULL)
        warn_unknown(e, at, name, name);
    buf_append(out, given != NULL ? str_of(given) : name);
}
