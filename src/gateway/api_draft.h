/* api_draft.h: an api (gateway/api.h) that a reader is filling, with what is said of it and
 * where its parts are in the file. */
#ifndef GATEWAY_API_DRAFT_H
#define GATEWAY_API_DRAFT_H

#include "gateway/api.h"
#include "gateway/notes.h"

enum { API_DRAFT_FUNCTIONS_MAX = 500 };

struct api_draft {
    struct api *api;
    struct notes *notes;
    struct note_place at, stage_at; /* of the API, of the stage */
    struct note_place routes[API_ROUTES_MAX];
    struct note_place integrations[API_INTEGRATIONS_MAX];
    struct note_place authorizers[API_AUTHORIZERS_MAX];
    struct note_place functions[API_DRAFT_FUNCTIONS_MAX];
    bool permits_asked; /* functions are called only if `permitted` says so */
    bool permitted[API_DRAFT_FUNCTIONS_MAX];
};

/* With an empty api, which is the caller's. */
void api_draft_init(struct api_draft *d, struct notes *ns);

/* As api_add_..., with the place. NULL if there are too many, which is in the notes then. */
struct api_route *api_draft_route(struct api_draft *d, struct note_place at) MUST_CHECK;
struct api_integration *api_draft_integration(struct api_draft *d, struct note_place at) MUST_CHECK;
struct api_authorizer *api_draft_authorizer(struct api_draft *d, struct note_place at) MUST_CHECK;
struct api_function *api_draft_function(struct api_draft *d, struct note_place at) MUST_CHECK;

/* The index of the one with that id, or of the function with that name, or API_NONE. */
int api_draft_find_integration(const struct api_draft *d, struct str id);
int api_draft_find_authorizer(const struct api_draft *d, struct str id);
int api_draft_find_function(const struct api_draft *d, struct str name);

/* path, if it is relative, below dir; a copy, the caller's. */
char *api_draft_path(const char *dir, struct str path) MUST_CHECK;

#endif
