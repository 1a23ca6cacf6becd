/* addr.h: addresses as text. */
#ifndef IO_ADDR_H
#define IO_ADDR_H

#include "io/io.h"

#include "base/buf.h"

#define IO_ADDR_TEXT_MAX 128

/* "127.0.0.1:8080", "[::1]:8080", ":8080" (every interface), "localhost:8080",
 * "unix:/path". 0, or -EINVAL. Resolves no names but localhost. */
int addr_parse(struct str text, struct io_addr *ret_addr) MUST_CHECK;

/* Reads an IPv4 or IPv6 address alone, without port and brackets, as headers and events have them.
 * Its port is 0. False for anything else, host names too. */
bool addr_parse_ip(struct str text, struct io_addr *ret_addr) MUST_CHECK;

/* As addr_parse, and looks host names up: may block, for the tools and the
 * start of the program only. 0, -EINVAL or -ENOENT. */
int addr_resolve(struct str text, struct io_addr *ret_addr) MUST_CHECK;

/* NUL-terminated text that addr_parse reads; returns its length. */
size_t addr_format(const struct io_addr *addr, char ret_text[static IO_ADDR_TEXT_MAX]);

/* The address without its port: what limits per address and X-Forwarded-For
 * speak of. IPv4 mapped into IPv6 is written as IPv4. */
size_t addr_format_ip(const struct io_addr *addr, char ret_text[static IO_ADDR_TEXT_MAX]);

bool addr_is_loopback(const struct io_addr *addr);

/* Is addr inside "10.0.0.0/8", "::1" or "unix"? False also for a bad pattern. */
bool addr_matches(const struct io_addr *addr, struct str pattern);

#endif
