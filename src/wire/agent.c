#include "wire/agent.h"

#include "base/str.h"

#define LOOKED_AT_MAX 256 /* names stand in front, and a field may be long */

struct agent_word {
    const char *mark, *name;
};

/* The first that is found counts: browsers name those that they want to be taken for, too. */
static const struct agent_word programs[] = {
    {"Edg", "Edge"},         {"OPR/", "Opera"},         {"SamsungBrowser/", "Samsung"},
    {"Vivaldi/", "Vivaldi"}, {"Firefox/", "Firefox"},   {"FxiOS/", "Firefox"},
    {"CriOS/", "Chrome"},    {"Chrome/", "Chrome"},     {"Safari/", "Safari"},
    {"curl/", "curl"},       {"node", "Node.js"},       {"python", "Python"},
    {"Python", "Python"},    {"Go-http-client/", "Go"},
};

static const struct agent_word systems[] = {
    {"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iOS"},  {"iPad", "iPadOS"},
    {"CrOS", "ChromeOS"},   {"Macintosh", "macOS"}, {"Linux", "Linux"}, {"FreeBSD", "FreeBSD"},
};

static bool has(struct str text, struct str mark)
{
    for (; text.n >= mark.n; text = str_skip(text, 1))
        if (str_starts(text, mark))
            return true;
    return false;
}

/* 1 and on; 0: none. */
static uint8_t agent_find(struct str text, const struct agent_word *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (has(text, str_of(words[i].mark)))
            return (uint8_t)(i + 1);
    return 0;
}

struct agent agent_of(struct str user_agent)
{
    struct str text = {user_agent.p, MIN(user_agent.n, (size_t)LOOKED_AT_MAX)};

    return (struct agent){.program = agent_find(text, programs, COUNTOF(programs)),
                          .system = agent_find(text, systems, COUNTOF(systems))};
}

struct str agent_program(struct agent a)
{
    assert(a.program <= COUNTOF(programs));
    return a.program > 0 ? str_of(programs[a.program - 1].name) : (struct str){0};
}

struct str agent_system(struct agent a)
{
    assert(a.system <= COUNTOF(systems));
    return a.system > 0 ? str_of(systems[a.system - 1].name) : (struct str){0};
}
