#include "gateway/template_function.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MAX_S = 900, MEMORY_MAX_MB = 10240, CONCURRENCY_MAX = 100 * 1000 };

#define BOTH                                                                                    \
    "FunctionName Handler Runtime Timeout MemorySize Environment ReservedConcurrentExecutions " \
    "PackageType CapacityProviderConfig"
#define IGNORED                                                                                    \
    "Role Description Tags Layers Architectures Tracing TracingConfig VpcConfig EphemeralStorage " \
    "DeadLetterConfig DeadLetterQueue KmsKeyArn LoggingConfig SnapStart CodeSigningConfigArn "     \
    "FileSystemConfigs ImageConfig RuntimeManagementConfig RecursiveLoop "                         \
    "TenancyConfig DurableConfig FunctionScalingConfig PublishToLatestPublished"
#define IGNORED_SAM                                                                           \
    " Policies Events AutoPublishAlias AutoPublishAliasAllProperties AutoPublishCodeSha256 "  \
    "DeploymentPreference EventInvokeConfig FunctionUrlConfig PermissionsBoundary RolePath "  \
    "AssumeRolePolicyDocument PropagateTags ProvisionedConcurrencyConfig VersionDescription " \
    "ImageUri SourceKMSKeyArn VersionDeletionPolicy PublishToLatestPublished CapacityProvider"

static bool is_sam(struct str type)
{
    return str_eq(type, STR("AWS::Serverless::Function"));
}

bool template_function_is(struct str type)
{
    return is_sam(type) || str_eq(type, STR("AWS::Lambda::Function"));
}

/* What the options say of where the code is: "Function.CodeUri". */
static bool code_is_given(const struct template_part *p, struct api_function *f)
{
    const char *given = NULL;
    char name[300];

    (void)snprintf(name, sizeof(name), "%.*s.CodeUri", STR_ARGS(p->id));
    if (p->t->options->parameters != NULL)
        given = api_pairs_get(p->t->options->parameters, str_of(name));
    if (given == NULL || *given == '\0')
        return false;
    f->code_dir = str_dup(str_of(given));
    return true;
}

static void set_dir(const struct template_part *p, struct api_function *f, const char *path)
{
    if (path != NULL && !str_starts(str_of(path), STR("s3://")))
        f->code_dir = api_draft_path(p->t->dir, str_of(path));
}

/* An asset of the CDK: the directory beside the template that holds it. */
static void asset(const struct template_part *p, const struct doc_value *resource,
                  struct api_function *f)
{
    const struct doc_value *path =
        doc_get(doc_get(resource, STR("Metadata")), STR("aws:asset:path"));

    if (path != NULL && path->kind == DOC_SCALAR)
        f->code_dir = api_draft_path(p->t->dir, path->text);
}

/* The Serverless Framework writes its template into .serverless, below the project. */
static bool is_serverless(const char *dir)
{
    struct str d = str_of(dir), end = STR(".serverless");

    return d.n >= end.n && str_eq(str_skip(d, d.n - end.n), end) &&
           (d.n == end.n || d.p[d.n - end.n - 1] == '/');
}

static void read_code(const struct template_part *p, const struct doc_value *resource,
                      struct api_function *f)
{
    const char *name = is_sam(template_eval_type(resource)) ? "CodeUri" : "Code";
    const struct doc_value *v = template_part_value(p, name);
    char *path = NULL;

    if (code_is_given(p, f))
        return;
    template_part_text(p, "InlineCode", &f->code_inline);
    if (v == NULL || f->code_inline != NULL)
        return;
    if (v->kind == DOC_MAP && v->n != 1) { /* a bucket and a key */
        asset(p, resource, f);
    } else if (doc_is_call(v, STR("ZipFile"))) {
        struct template_part code = template_part_below(p, name);

        template_part_text(&code, "ZipFile", &f->code_inline);
    } else if (doc_is_call(v, STR("ImageUri"))) {
        return;
    } else {
        template_part_text(p, name, &path);
        set_dir(p, f, path);
        free(path);
    }
    if (f->code_dir == NULL && f->code_inline == NULL && is_serverless(p->t->dir))
        f->code_dir = api_draft_path(p->t->dir, STR(".."));
}

static void check_runtime(const struct template_part *p, const struct api_function *f)
{
    static const char *const packages[] = {"Zip", "Image"};
    struct str r = str_of(f->runtime != NULL ? f->runtime : "");

    if (template_part_choice(p, "PackageType", packages, COUNTOF(packages), 0) == 1) {
        template_part_note(p, "PackageType", NOTE_runtime,
                           "images are not run; give a directory with the function's code");
        return;
    }
    if (f->runtime == NULL)
        template_part_needs(p, "Runtime");
    else if (!str_starts(r, STR("nodejs")) && !str_starts(r, STR("python3")) &&
             !str_starts(r, STR("provided")))
        template_part_note(p, "Runtime", NOTE_runtime,
                           "%s is not run here; nodejs, python3 and provided are", f->runtime);
    if (f->runtime != NULL && f->handler == NULL && !str_starts(r, STR("provided")))
        template_part_needs(p, "Handler");
}

/* Variables of SAM's Globals that the function does not have itself. */
static void add_globals(const struct template_part *p, struct api_function *f)
{
    struct template_part all = {p->t, p->id, p->globals, NULL, p->at};
    struct template_part environment = template_part_below(&all, "Environment");
    struct api_pairs globals = {0};

    template_part_pairs(&environment, "Variables", &globals);
    for (size_t i = 0; i < globals.n; i++) {
        struct api_pair *pair = &globals.at[i];

        if (api_pairs_get(&f->environment, str_of(pair->name)) == NULL)
            api_pairs_add(&f->environment, str_of(pair->name), str_of(pair->value));
    }
    api_pairs_fini(&globals);
}

static void read_environment(const struct template_part *p, struct api_function *f)
{
    struct template_part own = {p->t, p->id, p->properties, NULL, p->at};
    struct template_part environment = template_part_below(&own, "Environment");

    template_part_known(&environment, "Variables", "", NULL, true);
    template_part_pairs(&environment, "Variables", &f->environment);
    if (p->globals != NULL)
        add_globals(p, f);
}

static void check_properties(const struct template_part *p, bool sam)
{
    if (sam)
        template_part_known(p, BOTH " CodeUri InlineCode", IGNORED IGNORED_SAM, NULL, false);
    else
        template_part_known(p, BOTH " Code", IGNORED, NULL, false);
}

/* Managed instances: how many invocations at once one process gets. */
static void read_places(const struct template_part *p, struct api_function *f)
{
    struct template_part provider = template_part_below(p, "CapacityProviderConfig");
    struct template_part managed =
        template_part_below(&provider, "LambdaManagedInstancesCapacityProviderConfig");

    template_part_count(&managed, "PerExecutionEnvironmentMaxConcurrency", API_PER_ENVIRONMENT_MAX,
                        &f->per_environment);
    f->per_environment = MAX(f->per_environment, 1u);
}

void template_function_read(struct template *t, const struct doc_value *resource)
{
    bool sam = is_sam(template_eval_type(resource));
    struct template_part p = template_part_of(t, resource);
    struct api_function *f = api_draft_function(t->draft, resource->key_at);
    unsigned timeout_s = 3;

    if (f == NULL)
        return;
    if (sam)
        p.globals = doc_get(doc_get(t->root, STR("Globals")), STR("Function"));
    check_properties(&p, sam);
    f->logical_id = str_dup(resource->key);
    template_part_text(&p, "FunctionName", &f->name);
    if (f->name == NULL)
        f->name = str_dup(resource->key);
    template_part_text(&p, "Runtime", &f->runtime);
    template_part_text(&p, "Handler", &f->handler);
    template_part_count(&p, "Timeout", TIMEOUT_MAX_S, &timeout_s);
    template_part_count(&p, "MemorySize", MEMORY_MAX_MB, &f->memory_mb);
    template_part_count(&p, "ReservedConcurrentExecutions", CONCURRENCY_MAX, &f->concurrency);
    read_places(&p, f);
    f->timeout_ms = timeout_s * 1000;
    read_environment(&p, f);
    read_code(&p, resource, f);
    check_runtime(&p, f);
}

void template_function_permit(struct template *t, const struct doc_value *permission)
{
    struct template_part p = template_part_of(t, permission);
    char *principal = NULL, *function = NULL;
    int i;

    template_part_known(&p,
                        "Action FunctionName Principal SourceArn SourceAccount EventSourceToken "
                        "FunctionUrlAuthType InvokedViaFunctionUrl PrincipalOrgID",
                        "", NULL, false);
    template_part_text(&p, "Principal", &principal);
    if (principal != NULL && strcmp(principal, "apigateway.amazonaws.com") == 0 &&
        template_part_needs(&p, "FunctionName")) {
        template_part_text(&p, "FunctionName", &function);
        i = function == NULL
                ? API_NONE
                : api_draft_find_function(t->draft, template_eval_function_name(str_of(function)));
        if (i != API_NONE)
            t->draft->permitted[i] = true;
    }
    free(principal);
    free(function);
}
