/* agent.h: what program speaks, and on which system, as its User-Agent says: a guess among a few
 * names, for people to recognise their own sessions by. Nothing that a peer wrote goes further than
 * here. Pure. */
#ifndef WIRE_AGENT_H
#define WIRE_AGENT_H

#include "base/base.h"

/* Zero: not known. */
struct agent {
    uint8_t program, system;
};

/* Reads the value of a User-Agent field (RFC 9110 10.1.5). */
struct agent agent_of(struct str user_agent);

/* "Firefox", "Chrome", "curl"; "Linux", "Windows", "iOS": one word, static; empty: not known. */
struct str agent_program(struct agent a);
struct str agent_system(struct agent a);

#endif
