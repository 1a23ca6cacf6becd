/* people_upsert.h: users_upsert: another system says which people there are: they are made, shown
 * by another name, deactivated or taken back, by their names. Up to PEOPLE_UPSERT_MAX at once, one
 * after another; each is answered for itself. For the server's owner, and keys of scope admin.
 *
 *   name's user? --nobody's--> number --> user's record --> claim the name --.
 *       |                                                                    v
 *       '---somebody's--> their record -----------------> display --> active: off is put, keys and
 *                                                                     sessions end; or off goes
 *
 * The same call again changes nothing more: whoever got no answer asks again. A crash leaves
 * records of a number that nobody has, or people up to somewhere in the list. On the people's loop.
 */
#ifndef CHAT_PEOPLE_PEOPLE_UPSERT_H
#define CHAT_PEOPLE_PEOPLE_UPSERT_H

#include "chat/people/people.h"

enum { PEOPLE_UPSERT_MAX = 50 };

/* The command. */
void people_upsert(struct people *p, struct call *call);

#endif
