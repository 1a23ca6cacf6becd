/* base.h: the few language extensions that this code base allows itself, and
 * the borrowed string that every module passes around. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The caller must look at the result. On every function that can fail. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* fmt and args are the 1-based places of the format string and of "...". */
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Calls fn(&variable) when the variable leaves its scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define COUNTOF(a) (sizeof(a) / sizeof((a)[0]))
/* One of them is evaluated twice: nothing that has an effect. */
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* The struct that holds the member at ptr; ptr must have the member's type. */
#define CONTAINER_OF(ptr, type, member)                                \
    ({                                                                 \
        __typeof__(((type *)0)->member) *member_at_ = (ptr);           \
        (type *)(void *)((char *)member_at_ - offsetof(type, member)); \
    })

/* A borrowed run of bytes: passed by value, never freed, not NUL-terminated. */
struct str {
    const uint8_t *p;
    size_t n;
};

#define STR(literal) ((struct str){(const uint8_t *)(literal), sizeof(literal) - 1})

/* For printf: printf("%.*s", STR_ARGS(s)). */
#define STR_ARGS(s) (int)(s).n, (const char *)(s).p

#endif
