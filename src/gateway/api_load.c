#include "gateway/api_load.h"

#include "base/str.h"
#include "gateway/api_check.h"
#include "gateway/doc_read.h"
#include "gateway/short_file.h"
#include "gateway/template.h"
#include "io/file.h"

#include <errno.h>
#include <stdlib.h>

/* The directory of a path: "." if it names none. The caller's. */
static char *dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return str_dup(STR("."));
    return str_dup((struct str){(const uint8_t *)path, slash > path ? (size_t)(slash - path) : 1});
}

static void read_root(struct api_draft *d, const struct doc_value *root, const char *path,
                      const struct api_load_options *o)
{
    char *dir = dir_of(path);

    if (doc_get(root, STR("Resources")) != NULL)
        template_read(d, root, dir, o);
    else if (doc_get(root, STR("routes")) != NULL)
        short_file_read(d, root, dir, o);
    else if (doc_get(root, STR("service")) != NULL && doc_get(root, STR("provider")) != NULL)
        notes_add(d->notes, NOTE_not_an_api, root->at,
                  "this is for the Serverless Framework: run `serverless package`, and give "
                  ".serverless/cloudformation-template-update-stack.json");
    else
        notes_add(d->notes, NOTE_not_an_api, root->at,
                  "this is neither a CloudFormation template, which has Resources, nor a short "
                  "file, which has routes");
    free(dir);
}

int api_load_text(struct str text, const char *path, const struct api_load_options *o,
                  struct api **ret_api, struct notes *ns)
{
    static const struct api_load_options none;
    struct api_draft d;
    struct doc doc;

    api_draft_init(&d, ns);
    if (doc_read(&doc, text, ns)) {
        read_root(&d, doc.root, path, o != NULL ? o : &none);
        if (d.api->routes_n > 0 || ns->errors == 0)
            api_check(&d);
    }
    doc_free(&doc);
    notes_sort(ns);
    if (ns->errors > 0) {
        api_free(d.api);
        return -EINVAL;
    }
    *ret_api = d.api;
    return 0;
}

int api_load(const char *path, const struct api_load_options *o, struct api **ret_api,
             struct notes *ns)
{
    struct buf text CLEANUP(buf_fini);
    int r;

    buf_init(&text, API_LOAD_MAX);
    r = file_read(path, &text);
    if (r == 0)
        return api_load_text(buf_peek(&text), path, o, ret_api, ns);
    if (r == -EFBIG)
        notes_add(ns, NOTE_too_big, (struct note_place){0, 0}, "the file is larger than 1 MB");
    else
        notes_add(ns, NOTE_unreadable, (struct note_place){0, 0}, "the file cannot be read: %s",
                  strerror(-r));
    return r;
}
