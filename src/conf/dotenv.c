#include "conf/dotenv.h"

#include "base/str.h"

void dotenv_init(struct dotenv *d, struct str text)
{
    d->rest = str_starts(text, STR("\xef\xbb\xbf")) ? str_skip(text, 3) : text;
    d->line = 0;
    d->error = NULL;
}

static bool dotenv_is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';

        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return s.n > 0;
}

static char unescaped(uint8_t c)
{
    if (c == 'n')
        return '\n';
    return c == 't' ? '\t' : (char)c;
}

/* The value between quotes; what follows them is left in *line. */
static const char *take_quoted(struct dotenv *d, struct str *line, uint8_t quote)
{
    size_t n = 0, i = 1;

    for (; i < line->n && line->p[i] != quote; i++) {
        bool escape = quote == '"' && line->p[i] == '\\' && i + 1 < line->n;

        if (n == DOTENV_VALUE_MAX)
            return "the value is too long";
        d->value[n++] = escape ? unescaped(line->p[++i]) : (char)line->p[i];
    }
    if (i >= line->n)
        return "the quote is not closed";
    d->value[n] = '\0';
    *line = str_trim(str_skip(*line, i + 1));
    return NULL;
}

static const char *take_value(struct dotenv *d, struct str line)
{
    const char *error;

    if (line.n > 0 && (line.p[0] == '"' || line.p[0] == '\'')) {
        error = take_quoted(d, &line, line.p[0]);
        if (error == NULL && line.n > 0 && line.p[0] != '#')
            error = "something follows the closing quote";
        return error;
    }
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
            line.n = i;
    line = str_trim(line);
    if (line.n > DOTENV_VALUE_MAX)
        return "the value is too long";
    if (line.n > 0)
        memcpy(d->value, line.p, line.n);
    d->value[line.n] = '\0';
    return NULL;
}

/* The line without its end, "\n" or "\r\n". */
static struct str take_line(struct dotenv *d)
{
    struct str line = str_cut(&d->rest, '\n');

    d->line++;
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return str_trim(line);
}

bool dotenv_next(struct dotenv *d, struct str *ret_name)
{
    while (d->error == NULL && d->rest.n > 0) {
        struct str line = take_line(d), name;

        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (str_starts(line, STR("export ")) || str_starts(line, STR("export\t")))
            line = str_trim(str_skip(line, 7));
        if (memchr(line.p, '=', line.n) == NULL) {
            d->error = "the line is not NAME=value";
            break;
        }
        name = str_trim(str_cut(&line, '='));
        if (memchr(line.p, '\0', line.n) != NULL)
            d->error = "the value has a zero byte";
        else if (!dotenv_is_name(name))
            d->error = "the name before = is not one";
        else
            d->error = take_value(d, str_trim(line));
        if (d->error != NULL)
            break;
        *ret_name = name;
        return true;
    }
    return false;
}
