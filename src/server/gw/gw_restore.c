#include "server/gw/gw_restore.h"

#include "base/str.h"
#include "server/conn/request.h"
#include "server/conn/session.h"
#include "server/gw/gw_keep.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/sio_cursors.h"

#include <stdlib.h>

static void forget_cursors(struct gw_conn *g)
{
    free(g->restore);
    g->restore = NULL;
}

/* What the person's limits, or the store, refuse for now is asked for by the client's resume. */
static void followed(struct request *r)
{
    if (r->conn->own == NULL)
        return;
    forget_cursors(gw_conn_of(r->conn));
    gw_keep_mark(r->conn);
}

static void follow_again(struct conn *c)
{
    struct gw_conn *g = gw_conn_of(c);
    unsigned rooms_max = (unsigned)c->worker->server->conf->rooms_per_connection;
    struct request *r = request_new(c, str_of(g->restore), followed);
    struct caller who = session_who(c);

    assert(c->person != NULL);
    r->call.cmd.id = COMMAND_resume;
    r->whole = true;
    if (!sio_cursors_parse((struct str){r->bytes, r->n}, rooms_max, &r->call.cmd)) {
        session_fail(r, (struct command_problem){.code = ERROR_bad_value});
        return;
    }
    request_who(r, &who);
    session_run(r, true);
}

void gw_restore(struct conn *c, const struct gw_row *row)
{
    struct gw_conn *g = gw_conn_of(c);
    struct worker *w = c->worker;
    struct caller who = {.user = row->user,
                         .name = row->name,
                         .session = row->session,
                         .expires_ms = row->expires_ms,
                         .scopes = (uint8_t)row->scopes,
                         .super = row->super};

    assert(c->state == CONN_OPEN && c->person == NULL);
    g->array = row->array;
    if (who.user == 0 || who.expires_ms <= worker_wall_ms(w) ||
        people_is_revoked(&w->people, who.session) || session_begin(c, &who) != ERROR_NONE)
        return;
    if (row->cursors.n == 0 || str_eq(row->cursors, STR("-")))
        return;
    g->restore = str_dup(row->cursors);
    follow_again(c);
}
