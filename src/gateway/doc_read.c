#include "gateway/doc_read.h"

#include "base/str.h"
#include "gateway/doc_build.h"
#include "gateway/doc_json.h"
#include "gateway/doc_yaml.h"

static bool is_json(struct str text)
{
    while (text.n > 0 && strchr(" \t\r\n", text.p[0]) != NULL && text.p[0] != 0)
        text = str_skip(text, 1);
    return text.n > 0 && (text.p[0] == '{' || text.p[0] == '[');
}

bool doc_read(struct doc *d, struct str text, struct notes *ns)
{
    struct doc_build b;

    doc_build_init(&b, d, ns);
    if (str_starts(text, STR("\xef\xbb\xbf"))) /* a mark of UTF-8 */
        text = str_skip(text, 3);
    if (!(is_json(text) ? doc_json_read(&b, text) : doc_yaml_read(&b, text)))
        return false;
    if (d->root != NULL)
        return true;
    notes_add(ns, NOTE_not_an_api, (struct note_place){1, 1}, "the file is empty");
    return false;
}
