#include "wire/socketio.h"

#include "base/json.h"
#include "base/str.h"

#define ID_DIGITS_MAX 15 /* an integer that JavaScript holds exactly */
#define RESERVED_MAX 64

/* What the client library says of the connection itself. */
static const char *const reserved[] = {
    "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
};

static bool is_digit(struct str s)
{
    return s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9';
}

static bool is_binary(enum socketio_type type)
{
    return type == SOCKETIO_BINARY_EVENT || type == SOCKETIO_BINARY_ACK;
}

static bool is_event(enum socketio_type type)
{
    return type == SOCKETIO_EVENT || type == SOCKETIO_BINARY_EVENT;
}

/* Takes the digits at the beginning of *s: at least one, no superfluous zero. */
static bool take_number(struct str *s, size_t digits_max, uint64_t *ret)
{
    size_t n = 0;

    while (is_digit(str_skip(*s, n)) && n <= digits_max)
        n++;
    if (n == 0 || n > digits_max || (n > 1 && s->p[0] == '0') ||
        !str_to_u64((struct str){s->p, n}, ret))
        return false;
    *s = str_skip(*s, n);
    return true;
}

static bool take_attachments(struct str *s, struct socketio_packet *p)
{
    uint64_t n;

    if (!is_binary(p->type))
        return true;
    if (!take_number(s, 3, &n) || n == 0 || s->n == 0 || s->p[0] != '-')
        return false;
    if (n > SOCKETIO_ATTACHMENTS_MAX)
        p->problem = JSON_TOO_MANY;
    p->attachments = (unsigned)n;
    *s = str_skip(*s, 1);
    return true;
}

/* The comma may be missing where nothing follows. */
static bool take_namespace(struct str *s, struct socketio_packet *p)
{
    p->nsp = STR("/");
    if (s->n == 0 || s->p[0] != '/')
        return true;
    p->nsp = str_cut(s, ',');
    for (size_t i = 0; i < p->nsp.n; i++)
        if (p->nsp.p[i] <= ' ' || p->nsp.p[i] == '"' || p->nsp.p[i] == '\\' || p->nsp.p[i] >= 0x7f)
            return false;
    return p->nsp.n <= SOCKETIO_NAMESPACE_MAX;
}

/* {"_placeholder":true,"num":n}: the object that was just opened. depth: of what is
 * around it. Each attachment has one place. */
struct places {
    uint32_t seen;
    unsigned n;
    bool placeholder[SOCKETIO_DEPTH_MAX + 1]; /* of the objects that are open */
    int64_t num[SOCKETIO_DEPTH_MAX + 1];
};

static bool close_object(struct places *s, unsigned depth, unsigned attachments)
{
    int64_t num = s->num[depth];

    if (!s->placeholder[depth])
        return true;
    if (num < 0 || num >= (int64_t)attachments || (s->seen >> num & 1) != 0)
        return false;
    s->seen |= 1u << num;
    s->n++;
    return true;
}

/* The JSON cannot be read to its end. True if only its contents are wrong. */
static bool is_content(struct json *j, struct socketio_packet *p)
{
    if (j->error == JSON_BAD_SYNTAX)
        return false;
    p->problem = j->error;
    return true;
}

/* Reads the JSON to its end. With attachments every placeholder must have one, and
 * the other way round. */
static bool check_json(struct json *j, enum json_token t, struct socketio_packet *p)
{
    struct places s = {0};

    for (; t != JSON_END; t = json_next(j)) {
        if (t == JSON_ERROR)
            return is_content(j, p);
        if (p->attachments == 0 || p->problem != JSON_OK)
            continue;
        if (t == JSON_OBJECT) {
            s.placeholder[j->depth] = false;
            s.num[j->depth] = -1;
        } else if (t == JSON_OBJECT_END) {
            if (!close_object(&s, j->depth + 1u, p->attachments))
                return false;
        } else if (t == JSON_TRUE && str_eq(j->key, STR("_placeholder"))) {
            s.placeholder[j->depth] = true;
        } else if (t == JSON_INT && str_eq(j->key, STR("num"))) {
            s.num[j->depth] = j->i64;
        }
    }
    return s.n == p->attachments || p->problem != JSON_OK;
}

/* An event's first argument is its name: a string that is not reserved, or a number. */
static bool socketio_is_name(enum json_token t, struct str name)
{
    if (t == JSON_INT || t == JSON_NUMBER)
        return true;
    if (t != JSON_STRING)
        return false;
    for (size_t i = 0; i < COUNTOF(reserved); i++)
        if (str_eq(name, str_of(reserved[i])))
            return false;
    return true;
}

/* The end of a value that begins at at, in JSON that is known to be right. */
static size_t value_end(struct str s, size_t at)
{
    unsigned depth = 0;
    bool quoted = false;

    for (; at < s.n; at++) {
        uint8_t c = s.p[at];

        if (quoted) {
            at += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        } else if (depth == 0 && (c == ',' || c == ']')) {
            break;
        }
    }
    return MIN(at, s.n);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct str trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s = str_skip(s, 1);
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool socketio_arg_next(struct str *args, struct str *ret_arg)
{
    size_t end = value_end(*args, 0);

    if (args->n == 0)
        return false;
    *ret_arg = trim((struct str){args->p, end});
    *args = str_skip(*args, MIN(end + 1, args->n));
    return true;
}

/* What the type wants of its JSON. */
static bool check_data(struct socketio_packet *p, struct buf *scratch)
{
    enum json_token t;
    struct json j;

    if (p->data.n == 0) /* an ack and an event must have some */
        return p->type == SOCKETIO_CONNECT || p->type == SOCKETIO_DISCONNECT;
    if (p->type == SOCKETIO_DISCONNECT)
        return false;
    buf_clear(scratch);
    buf_append(scratch, p->data);
    if (scratch->failed)
        return false;
    json_init(&j, scratch->bytes + scratch->rpos, buf_len(scratch), SOCKETIO_DEPTH_MAX);
    t = json_next(&j);
    if (p->type == SOCKETIO_CONNECT || p->type == SOCKETIO_CONNECT_ERROR)
        return (t == JSON_OBJECT || (t == JSON_STRING && p->type == SOCKETIO_CONNECT_ERROR)) &&
               check_json(&j, t, p);
    if (t != JSON_ARRAY)
        return false;
    t = json_next(&j);
    if (is_event(p->type) && t != JSON_ERROR && !socketio_is_name(t, j.str))
        return false;
    if (!check_json(&j, t, p))
        return false;
    if (p->problem != JSON_OK)
        return true;
    p->args = trim(p->data);
    p->args = trim((struct str){p->args.p + 1, p->args.n - 2});
    if (is_event(p->type))
        (void)socketio_arg_next(&p->args, &p->name);
    return true;
}

/* Section "Packet encoding". */
bool socketio_decode(struct str text, struct buf *scratch, struct socketio_packet *ret)
{
    struct socketio_packet p = {0};

    if (text.n == 0 || text.p[0] < '0' || text.p[0] > '0' + SOCKETIO_BINARY_ACK)
        return false;
    p.type = (enum socketio_type)(text.p[0] - '0');
    text = str_skip(text, 1);
    if (!take_attachments(&text, &p) || !take_namespace(&text, &p))
        return false;
    if (is_digit(text)) {
        p.has_id = true;
        if (!take_number(&text, ID_DIGITS_MAX, &p.id))
            return false;
    }
    if ((p.type == SOCKETIO_ACK || p.type == SOCKETIO_BINARY_ACK) != p.has_id && !is_event(p.type))
        return false; /* an ack has an id, an event may, others do not */
    p.data = text;
    if (!check_data(&p, scratch))
        return false;
    *ret = p;
    return true;
}

void socketio_append_head(struct buf *out, const struct socketio_packet *packet)
{
    buf_append_byte(out, (uint8_t)('0' + packet->type));
    if (is_binary(packet->type)) {
        buf_append_u64(out, packet->attachments);
        buf_append_byte(out, '-');
    }
    if (packet->nsp.n > 1) {
        buf_append(out, packet->nsp);
        buf_append_byte(out, ',');
    }
    if (packet->has_id)
        buf_append_u64(out, packet->id);
}
