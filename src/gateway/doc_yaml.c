#include "gateway/doc_yaml.h"

#include "base/str.h"

#include <yaml.h>

struct tag {
    const char *tag, *call;
};

/* CloudFormation's short forms. */
static const struct tag tags[] = {
    {"!Ref", "Ref"},
    {"!Condition", "Condition"},
    {"!Sub", "Fn::Sub"},
    {"!GetAtt", "Fn::GetAtt"},
    {"!Join", "Fn::Join"},
    {"!FindInMap", "Fn::FindInMap"},
    {"!If", "Fn::If"},
    {"!Select", "Fn::Select"},
    {"!Split", "Fn::Split"},
    {"!Base64", "Fn::Base64"},
    {"!ImportValue", "Fn::ImportValue"},
    {"!GetAZs", "Fn::GetAZs"},
    {"!Cidr", "Fn::Cidr"},
    {"!Transform", "Fn::Transform"},
    {"!Equals", "Fn::Equals"},
    {"!And", "Fn::And"},
    {"!Or", "Fn::Or"},
    {"!Not", "Fn::Not"},
    {"!Length", "Fn::Length"},
    {"!ToJsonString", "Fn::ToJsonString"},
    {"!Contains", "Fn::Contains"},
};

static struct note_place place_of(yaml_mark_t mark)
{
    return (struct note_place){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static bool fail(struct doc_build *b, enum note_code code, struct note_place at, const char *what)
{
    notes_add(b->notes, code, at, "%s", what);
    return false;
}

/* Opens the map that the tag stands for, if it stands for one. */
static bool take_tag(struct doc_build *b, const yaml_char_t *tag, struct note_place at)
{
    struct str t;

    if (tag == NULL)
        return true;
    t = str_of((const char *)tag);
    if (str_eq(t, STR("!")) || str_starts(t, STR("tag:yaml.org,2002:")))
        return true;
    for (size_t i = 0; i < COUNTOF(tags); i++)
        if (str_eq(t, str_of(tags[i].tag)))
            return doc_build_wrap(b, str_of(tags[i].call), at);
    notes_add(b->notes, NOTE_unknown_tag, at,
              "%.*s is not one of CloudFormation's functions, as !Ref, !Sub and !GetAtt are",
              STR_ARGS(t));
    return false;
}

static bool is_null(const yaml_event_t *e, struct str text)
{
    return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text.n == 0 || str_eq(text, STR("~")) || str_eq_nocase(text, STR("null")));
}

static bool take_scalar(struct doc_build *b, const yaml_event_t *e)
{
    struct str text = {e->data.scalar.value, e->data.scalar.length};
    struct note_place at = place_of(e->start_mark);

    if (doc_build_wants_key(b)) {
        if (e->data.scalar.tag != NULL && e->data.scalar.tag[0] == '!')
            return fail(b, NOTE_syntax, at, "a key cannot be a function's value");
        return doc_build_key(b, text, at);
    }
    if (!take_tag(b, e->data.scalar.tag, at))
        return false;
    return is_null(e, text) ? doc_build_null(b, at) : doc_build_scalar(b, text, at);
}

static bool take_start(struct doc_build *b, const yaml_event_t *e)
{
    bool map = e->type == YAML_MAPPING_START_EVENT;
    struct note_place at = place_of(e->start_mark);

    if (doc_build_wants_key(b))
        return fail(b, NOTE_syntax, at, "a key must be a text, not a list or a map");
    return take_tag(b, map ? e->data.mapping_start.tag : e->data.sequence_start.tag, at) &&
           doc_build_open(b, map ? DOC_MAP : DOC_LIST, at);
}

static bool take(struct doc_build *b, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(b, e);
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        return take_start(b, e);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        doc_build_close(b);
        return true;
    case YAML_ALIAS_EVENT:
        return fail(b, NOTE_alias, place_of(e->start_mark),
                    "aliases are not read; write the value out");
    case YAML_DOCUMENT_START_EVENT:
        return b->doc->root == NULL ||
               fail(b, NOTE_syntax, place_of(e->start_mark), "a second document begins here");
    case YAML_DOCUMENT_END_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_NO_EVENT:
        break;
    }
    return true;
}

static bool say_error(struct doc_build *b, const yaml_parser_t *p)
{
    struct note_place at = place_of(p->problem_mark);

    if (p->error == YAML_READER_ERROR) {
        at = (struct note_place){(unsigned)p->mark.line + 1, (unsigned)p->mark.column + 1};
        notes_add(b->notes, NOTE_bad_text, at, "%s behind this place",
                  p->problem != NULL ? p->problem : "a character that YAML does not allow");
    } else if (p->context != NULL) {
        notes_add(b->notes, NOTE_syntax, at, "%s, %s that began in line %u", p->problem, p->context,
                  (unsigned)p->context_mark.line + 1);
    } else {
        notes_add(b->notes, NOTE_syntax, at, "%s", p->problem != NULL ? p->problem : "not YAML");
    }
    return false;
}

bool doc_yaml_read(struct doc_build *b, struct str text)
{
    bool good = true, ended = false;
    yaml_parser_t parser;
    yaml_event_t event;

    if (yaml_parser_initialize(&parser) == 0)
        abort(); /* memory is out */
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, text.p, text.n);
    while (good && !ended) {
        if (yaml_parser_parse(&parser, &event) == 0) {
            good = say_error(b, &parser);
            break;
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        good = take(b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return good;
}
