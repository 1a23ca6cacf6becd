#include "lib/sim_swap.h"

#include "lib/dynamo_table.h"
#include "server/node/alarms.h"

static bool copy_is_empty(const struct sim_swap_copy *c)
{
    return c->dynamo == NULL && c->mem == NULL;
}

static struct sim_swap_copy copy_of(const struct sim_disk *d)
{
    if (d->dynamo != NULL)
        return (struct sim_swap_copy){.dynamo = dynamo_tables_copy(dynamo_model_tables(d->dynamo))};
    return (struct sim_swap_copy){.mem = store_mem_disk_copy(d->mem)};
}

static void copy_put_back(const struct sim_disk *d, const struct sim_swap_copy *from)
{
    if (d->dynamo != NULL)
        dynamo_tables_put_back(dynamo_model_tables(d->dynamo), from->dynamo);
    else
        store_mem_disk_put_back(d->mem, from->mem);
}

static void copy_free(struct sim_swap_copy *c)
{
    dynamo_tables_free(c->dynamo);
    store_mem_disk_free(c->mem);
}

void sim_swap_copy(struct sim_swap *w)
{
    if (copy_is_empty(&w->older))
        w->older = copy_of(w->disk);
}

bool sim_swap_begin(struct sim_swap *w)
{
    if (copy_is_empty(&w->older))
        return false;
    w->truth = copy_of(w->disk);
    copy_put_back(w->disk, &w->older);
    return true;
}

void sim_swap_watch(struct sim_swap *w)
{
    w->older_now = copy_of(w->disk);
}

bool sim_swap_end(struct sim_swap *w)
{
    const struct sim_disk *d = w->disk;
    bool same = d->dynamo != NULL
                    ? dynamo_tables_equal(dynamo_model_tables(d->dynamo), w->older_now.dynamo)
                    : store_mem_disk_same(d->mem, w->older_now.mem);

    copy_put_back(d, &w->truth);
    return same;
}

bool sim_swap_is_noticed(const struct sim_node *n)
{
    return alarms_is(n->server->alarms, ALARM_store_changed) &&
           store_is_shut(store_fault_store(n->faults));
}

void sim_swap_free(struct sim_swap *w)
{
    copy_free(&w->older);
    copy_free(&w->older_now);
    copy_free(&w->truth);
}
