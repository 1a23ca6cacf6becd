/* boot.h: what a node reads from the store before it serves: the key that signs
 * tokens (made at the very first start), the sessions that were ended before
 * their time, and the code of the owner link while nobody has used it. */
#ifndef SERVER_BOOT_H
#define SERVER_BOOT_H

struct boot;
struct server;

/* Begins, on worker 0; ends with server_booted. */
struct boot *boot_start(struct server *s);

/* NULL is fine. */
void boot_free(struct boot *b);

#endif
