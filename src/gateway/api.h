/* api.h: what an API Gateway WebSocket API is, as data: its routes, what they call, who may
 * connect, the stage. A reader fills it once (gateway/template.h of a CloudFormation template,
 * gateway/short_file.h of the short file), api_check looks at the whole, and from then on nobody
 * changes it.
 *
 *   api ── routes ──▶ integration ──▶ function (AWS_PROXY) or uri (HTTP, HTTP_PROXY)
 *    │       └──────▶ authorizer ───▶ function
 *    └── stage: name, variables, throttling
 *
 * Every string is NUL-terminated and belongs to the api, which is freed as a whole. NULL means
 * that it was not said; an empty string is never stored in place of NULL. References are by
 * index into the array of the same api. Text that API Gateway evaluates for each event
 * ("$context.connectionId", "${stageVariables.url}") is kept as it was written; what
 * CloudFormation evaluates (Ref, Fn::Sub, ...) is done by the reader. */
#ifndef GATEWAY_API_H
#define GATEWAY_API_H

#include "base/base.h"

/* Quotas of one API: routes, integrations, authorizers; milliseconds of an integration. */
enum {
    API_ROUTES_MAX = 300,
    API_INTEGRATIONS_MAX = 300,
    API_AUTHORIZERS_MAX = 10,
    API_PER_ENVIRONMENT_MAX = 1600,
    API_TABLES_MAX = 500,
    API_TIMEOUT_MIN_MS = 50,
    API_TIMEOUT_MAX_MS = 29000,
};

#define API_WHY_MAX 512

/* An index that refers to nothing. */
#define API_NONE (-1)

/* A named text: a stage variable, a variable of the environment, a request parameter, a
 * mapping template under its key. */
struct api_pair {
    char *name, *value;
};

struct api_pairs {
    struct api_pair *at;
    size_t n;
};

/* A Lambda function. It is run by `command` if there is one, else by its runtime's client
 * (gateway/launch.h) with handler and code. */
struct api_function {
    char *name;        /* FunctionName, or the logical id: what an invocation names */
    char *logical_id;  /* in the template; NULL: none */
    char *command;     /* of the short file: run by /bin/sh in code_dir; NULL: by runtime */
    char *runtime;     /* "nodejs20.x", "python3.12", "provided.al2023" */
    char *handler;     /* "index.handler" */
    char *code_dir;    /* an absolute path, or relative to the working directory of the program */
    char *code_inline; /* Code.ZipFile: the text of index.js, index.mjs or index.py; else NULL */
    struct api_pairs environment;
    unsigned timeout_ms;      /* of an invocation; default 3,000 */
    unsigned memory_mb;       /* default 128 */
    unsigned concurrency;     /* ReservedConcurrentExecutions; 0: not limited */
    unsigned per_environment; /* invocations at once in one process; default 1 */
};

enum api_integration_type {
    API_MOCK,
    API_HTTP,
    API_HTTP_PROXY,
    API_AWS_PROXY,
};

/* IntegrationResponse: which answer becomes which text; of HTTP and MOCK. */
struct api_response {
    char *key;                  /* IntegrationResponseKey: "$default", "/200/", "/5\d\d/" */
    char *template_selection;   /* TemplateSelectionExpression */
    struct api_pairs templates; /* ResponseTemplates */
};

enum api_passthrough { API_WHEN_NO_MATCH, API_WHEN_NO_TEMPLATES, API_NEVER };

struct api_integration {
    char *id; /* logical id in the template; in the short file, its route's key */
    enum api_integration_type type;
    char *uri;                   /* of HTTP and HTTP_PROXY, with ${stageVariables.X}; else NULL */
    char *method;                /* IntegrationMethod; of HTTP and HTTP_PROXY; default "POST" */
    char *function;              /* of AWS_PROXY: a function's name, may have ${stageVariables.X} */
    struct api_pairs parameters; /* RequestParameters: "integration.request.header.X" =
                                    "context.connectionId", "'text'", "route.request...." */
    char *template_selection;    /* TemplateSelectionExpression */
    struct api_pairs templates;  /* RequestTemplates */
    enum api_passthrough passthrough;
    struct api_response *responses;
    size_t responses_n;
    unsigned timeout_ms; /* API_TIMEOUT_MIN_MS to _MAX_MS; default the latter */
    bool vpc_link;       /* ConnectionType VPC_LINK: uri names the target on this machine */
};

/* A REQUEST authorizer; it is asked at $connect only. */
struct api_authorizer {
    char *id, *name; /* logical id, Name */
    char *function;  /* as in api_integration */
    char **sources;  /* IdentitySource: "route.request.querystring.token" */
    size_t sources_n;
};

enum api_authorization { API_AUTH_NONE, API_AUTH_IAM, API_AUTH_CUSTOM };

struct api_route {
    char *key;       /* "$connect", "$disconnect", "$default" or what is selected */
    int integration; /* index, or API_NONE: only $connect and $disconnect may do without */
    enum api_authorization authorization; /* of $connect */
    int authorizer;                       /* index; API_NONE but with API_AUTH_CUSTOM */
    bool api_key_required;
    bool answers;              /* has a RouteResponse $default: the answer is sent */
    char *response_selection;  /* RouteResponseSelectionExpression */
    struct api_pairs required; /* RequestParameters of $connect; value "true" or "false" */
    unsigned rate, burst;      /* RouteSettings of the stage; 0: the stage's */
};

struct api_stage {
    char *name; /* "prod"; "$default" is possible too, and has no segment in the path */
    struct api_pairs variables;
    unsigned rate, burst; /* DefaultRouteSettings; 0: the account's */
};

struct api {
    char *id;            /* the template's logical id; NULL: none */
    char *name;          /* Name */
    char *selection;     /* RouteSelectionExpression */
    char *key_selection; /* ApiKeySelectionExpression */
    char **keys;         /* values of API keys that are enabled */
    size_t keys_n;
    struct api_stage stage; /* the one that is served */
    struct api_route *routes;
    size_t routes_n;
    struct api_integration *integrations;
    size_t integrations_n;
    struct api_authorizer *authorizers;
    size_t authorizers_n;
    struct api_function *functions;
    size_t functions_n;
    struct api_pairs tables; /* of DynamoDB: what Ref gives, and the CreateTable that makes it */
};

/* An empty api; freed with api_free. */
struct api *api_new(void) MUST_CHECK;

/* Frees all that it holds. NULL is fine. */
void api_free(struct api *a);

/* Add one, with the defaults above, and return it: valid until the next of its kind is
 * added. The strings that are put into it are the api's from then on (str_dup). */
struct api_route *api_add_route(struct api *a);
struct api_integration *api_add_integration(struct api *a);
struct api_authorizer *api_add_authorizer(struct api *a);
struct api_function *api_add_function(struct api *a);
struct api_response *api_add_response(struct api_integration *i);

/* Frees what it holds, and leaves it empty. */
void api_pairs_fini(struct api_pairs *p);

/* Appends copies. */
void api_pairs_add(struct api_pairs *p, struct str name, struct str value);

/* The value of that name, or NULL. */
const char *api_pairs_get(const struct api_pairs *p, struct str name);

/* The route with that key, or NULL. Keys are compared exactly. */
const struct api_route *api_route(const struct api *a, struct str key);

/* Appends text with each ${stageVariables.X} replaced; what is not defined becomes empty, as
 * AWS does it. */
struct buf;
void api_expand(const struct api *a, const char *text, struct buf *out);

#endif
