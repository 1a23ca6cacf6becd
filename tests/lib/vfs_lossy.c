#include "lib/vfs_lossy.h"

#include "base/rng.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512
#define REGIONS_MAX 64

struct bytes {
    uint8_t *p;
    size_t n, cap;
};

/* An unsynced write; without bytes, a truncation to at. */
struct write {
    struct write *next;
    size_t at, n;
    bool truncates;
    uint8_t p[];
};

struct file {
    struct file *next;
    char name[256];
    bool exists, kept_exists; /* now; on the platter */
    struct bytes now, kept;
    struct write *first, *last; /* between kept and now */
    unsigned shared;            /* how many hold a lock */
    struct handle *reserved, *exclusive;
    void *regions[REGIONS_MAX]; /* of shared memory */
    unsigned region_shared[SQLITE_SHM_NLOCK];
    struct handle *region_exclusive[SQLITE_SHM_NLOCK];
};

struct handle {
    sqlite3_file base;
    struct vfs_lossy *v;
    struct file *file;
    int level;
    bool deletes;
    bool syncs_dir;       /* a new journal: its first sync is one of the directory, too */
    unsigned region_mask; /* locks held shared */
};

struct vfs_lossy {
    sqlite3_vfs vfs;
    char name[32];
    struct rng rng;
    struct file *files;
    uint64_t ops, cut_at; /* cut_at 0: no cut */
    uint64_t capacity;
    bool cut, fail_syncs;
};

static struct handle *handle_of(sqlite3_file *f)
{
    return (struct handle *)(void *)f;
}

static void set_size(struct bytes *b, size_t n)
{
    if (n > b->cap) {
        b->cap = MAX(n, 2 * b->cap);
        b->p = realloc(b->p, b->cap);
        if (b->p == NULL)
            abort();
    }
    if (n > b->n)
        memset(b->p + b->n, 0, n - b->n);
    b->n = n;
}

static void put(struct bytes *b, size_t at, const uint8_t *p, size_t n)
{
    if (at + n > b->n)
        set_size(b, at + n);
    memcpy(b->p + at, p, n);
}

static void apply(struct bytes *b, const struct write *w)
{
    if (w->truncates)
        set_size(b, w->at);
    else
        put(b, w->at, w->p, w->n);
}

static void add_write(struct file *f, const uint8_t *p, size_t at, size_t n, bool truncates)
{
    struct write *w = malloc(sizeof(*w) + n);

    if (w == NULL)
        abort();
    *w = (struct write){.at = at, .n = n, .truncates = truncates};
    if (n > 0)
        memcpy(w->p, p, n);
    apply(&f->now, w);
    if (f->last != NULL)
        f->last->next = w;
    else
        f->first = w;
    f->last = w;
}

static void drop_writes(struct file *f)
{
    for (struct write *w = f->first, *next; w != NULL; w = next) {
        next = w->next;
        free(w);
    }
    f->first = f->last = NULL;
}

static void sync_file(struct file *f)
{
    for (const struct write *w = f->first; w != NULL; w = w->next)
        apply(&f->kept, w);
    drop_writes(f);
}

/* All that was created or deleted so far is so on the platter. */
static void sync_dir(struct vfs_lossy *v)
{
    for (struct file *f = v->files; f != NULL; f = f->next) {
        f->kept_exists = f->exists;
        if (!f->exists)
            sync_file(f);
    }
}

/* Some sectors of a write reach the platter. */
static void tear(struct vfs_lossy *v, struct bytes *kept, const struct write *w)
{
    size_t at = 0;

    while (at < w->n) {
        size_t n = MIN(w->n - at, SECTOR - (w->at + at) % SECTOR);

        if (rng_chance(&v->rng, 500))
            put(kept, w->at + at, w->p + at, n);
        at += n;
    }
}

/* How much of what is unsynced is kept differs from cut to cut: all, nothing, or
 * some. */
static void cut(struct vfs_lossy *v)
{
    unsigned chance = (unsigned)rng_below(&v->rng, 3) * 500;

    v->cut = true;
    for (struct file *f = v->files; f != NULL; f = f->next) {
        for (const struct write *w = f->first; w != NULL; w = w->next) {
            if (!rng_chance(&v->rng, chance))
                continue;
            if (chance < 1000 && !w->truncates && rng_chance(&v->rng, 300))
                tear(v, &f->kept, w);
            else
                apply(&f->kept, w);
        }
        if (f->exists != f->kept_exists && rng_chance(&v->rng, chance))
            f->kept_exists = f->exists;
        drop_writes(f);
    }
}

/* Counts one operation. False if nothing is kept any more. */
static bool operate(struct vfs_lossy *v)
{
    v->ops++;
    if (!v->cut && v->cut_at != 0 && v->ops >= v->cut_at)
        cut(v);
    return !v->cut;
}

static uint64_t used(const struct vfs_lossy *v)
{
    uint64_t n = 0;

    for (const struct file *f = v->files; f != NULL; f = f->next)
        n += f->exists ? f->now.n : 0;
    return n;
}

static struct file *find(struct vfs_lossy *v, const char *name)
{
    struct file *f = v->files;

    while (f != NULL && strcmp(f->name, name) != 0)
        f = f->next;
    return f;
}

static int delete_file(struct vfs_lossy *v, struct file *f, bool synced)
{
    bool keeps = operate(v);

    f->exists = false;
    drop_writes(f);
    set_size(&f->now, 0);
    if (keeps)
        add_write(f, NULL, 0, 0, true);
    if (keeps && synced)
        sync_dir(v);
    return SQLITE_OK;
}

static int file_close(sqlite3_file *base)
{
    struct handle *h = handle_of(base);

    assert(h->level == SQLITE_LOCK_NONE && h->region_mask == 0);
    if (h->deletes)
        (void)delete_file(h->v, h->file, false);
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *p, int n, sqlite3_int64 at)
{
    const struct bytes *b = &handle_of(base)->file->now;
    size_t have = (size_t)at < b->n ? MIN(b->n - (size_t)at, (size_t)n) : 0;

    if (have > 0)
        memcpy(p, b->p + at, have);
    memset((uint8_t *)p + have, 0, (size_t)n - have);
    return have == (size_t)n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *base, const void *p, int n, sqlite3_int64 at)
{
    struct handle *h = handle_of(base);
    struct file *f = h->file;
    size_t end = (size_t)at + (size_t)n;

    if (h->v->capacity > 0 && end > f->now.n && used(h->v) + end - f->now.n > h->v->capacity)
        return SQLITE_FULL;
    if (operate(h->v))
        add_write(f, p, (size_t)at, (size_t)n, false);
    else
        put(&f->now, (size_t)at, p, (size_t)n);
    return SQLITE_OK;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 n)
{
    struct handle *h = handle_of(base);

    if (operate(h->v))
        add_write(h->file, NULL, (size_t)n, 0, true);
    else
        set_size(&h->file->now, (size_t)n);
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *base, int flags)
{
    struct handle *h = handle_of(base);

    (void)flags;
    if (h->v->fail_syncs)
        return SQLITE_IOERR_FSYNC;
    if (!operate(h->v))
        return SQLITE_OK;
    sync_file(h->file);
    if (h->syncs_dir)
        sync_dir(h->v);
    h->syncs_dir = false;
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_n)
{
    *ret_n = (sqlite3_int64)handle_of(base)->file->now.n;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *base, int level)
{
    struct handle *h = handle_of(base);
    struct file *f = h->file;

    if (level <= h->level)
        return SQLITE_OK;
    if (f->exclusive != NULL && f->exclusive != h)
        return SQLITE_BUSY;
    if (level >= SQLITE_LOCK_RESERVED && f->reserved != NULL && f->reserved != h)
        return SQLITE_BUSY;
    if (level >= SQLITE_LOCK_PENDING && f->shared > (h->level >= SQLITE_LOCK_SHARED))
        return SQLITE_BUSY;
    f->shared += h->level == SQLITE_LOCK_NONE;
    if (level >= SQLITE_LOCK_RESERVED)
        f->reserved = h;
    if (level >= SQLITE_LOCK_PENDING)
        f->exclusive = h;
    h->level = level;
    return SQLITE_OK;
}

static int file_unlock(sqlite3_file *base, int level)
{
    struct handle *h = handle_of(base);
    struct file *f = h->file;

    if (level >= h->level)
        return SQLITE_OK;
    f->exclusive = f->exclusive == h ? NULL : f->exclusive;
    f->reserved = f->reserved == h ? NULL : f->reserved;
    f->shared -= level == SQLITE_LOCK_NONE;
    h->level = level;
    return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *base, int *ret_reserved)
{
    *ret_reserved = handle_of(base)->file->reserved != NULL;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *arg)
{
    (void)base;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *base)
{
    (void)base;
    return SECTOR;
}

static int file_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int file_shm_map(sqlite3_file *base, int at, int n, int extend, void volatile **ret_p)
{
    struct file *f = handle_of(base)->file;

    assert(at < REGIONS_MAX);
    if (f->regions[at] == NULL && extend)
        f->regions[at] = calloc(1, (size_t)n);
    *ret_p = f->regions[at];
    return SQLITE_OK;
}

static bool shm_busy(const struct handle *h, int i, bool exclusive)
{
    const struct file *f = h->file;
    unsigned mine = h->region_mask >> i & 1;

    if (f->region_exclusive[i] != NULL && f->region_exclusive[i] != h)
        return true;
    return exclusive && f->region_shared[i] > mine;
}

static int file_shm_lock(sqlite3_file *base, int at, int n, int flags)
{
    struct handle *h = handle_of(base);
    struct file *f = h->file;
    bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;

    for (int i = at; i < at + n && (flags & SQLITE_SHM_LOCK); i++)
        if (shm_busy(h, i, exclusive))
            return SQLITE_BUSY;
    for (int i = at; i < at + n; i++) {
        unsigned bit = 1u << i;

        if (exclusive) {
            f->region_exclusive[i] = flags & SQLITE_SHM_LOCK ? h : NULL;
        } else if (((h->region_mask & bit) != 0) != ((flags & SQLITE_SHM_LOCK) != 0)) {
            h->region_mask ^= bit;
            f->region_shared[i] += flags & SQLITE_SHM_LOCK ? 1u : (unsigned)-1;
        }
    }
    return SQLITE_OK;
}

static void file_shm_barrier(sqlite3_file *base)
{
    (void)base;
}

static int file_shm_unmap(sqlite3_file *base, int deletes)
{
    struct file *f = handle_of(base)->file;

    for (int i = 0; i < REGIONS_MAX && deletes; i++) {
        free(f->regions[i]);
        f->regions[i] = NULL;
    }
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                    int *ret_flags)
{
    struct vfs_lossy *v = vfs->pAppData;
    struct handle *h = handle_of(base);
    struct file *f;

    *h = (struct handle){.v = v};
    if (name == NULL)
        return SQLITE_CANTOPEN;
    f = find(v, name);
    if (f == NULL) {
        f = calloc(1, sizeof(*f));
        if (f == NULL)
            abort();
        (void)snprintf(f->name, sizeof(f->name), "%s", name);
        f->next = v->files;
        v->files = f;
    }
    if (!f->exists && !(flags & SQLITE_OPEN_CREATE))
        return SQLITE_CANTOPEN;
    h->syncs_dir = !f->exists && (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    f->exists = true;
    h->file = f;
    h->deletes = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    h->base.pMethods = &methods;
    if (ret_flags != NULL)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    struct vfs_lossy *v = vfs->pAppData;
    struct file *f = find(v, name);

    if (f == NULL || !f->exists)
        return SQLITE_IOERR_DELETE_NOENT;
    return delete_file(v, f, sync_dir != 0);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret_yes)
{
    const struct file *f = find(vfs->pAppData, name);

    *ret_yes = f != NULL && f->exists && (flags != SQLITE_ACCESS_EXISTS || f->now.n > 0);
    return SQLITE_OK;
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int n, char *ret_name)
{
    (void)vfs;
    (void)snprintf(ret_name, (size_t)n, "%s", name);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int n, char *ret_bytes)
{
    struct vfs_lossy *v = vfs->pAppData;

    for (int i = 0; i < n; i++)
        ret_bytes[i] = (char)rng_u64(&v->rng);
    return n;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

struct vfs_lossy *vfs_lossy_new(const char *name, uint64_t seed)
{
    const sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    struct vfs_lossy *v = calloc(1, sizeof(*v));

    if (v == NULL || system == NULL)
        abort();
    (void)snprintf(v->name, sizeof(v->name), "%s", name);
    rng_init(&v->rng, seed);
    v->vfs = *system;
    v->vfs.iVersion = 2;
    v->vfs.szOsFile = sizeof(struct handle);
    v->vfs.pNext = NULL;
    v->vfs.zName = v->name;
    v->vfs.pAppData = v;
    v->vfs.xOpen = vfs_open;
    v->vfs.xDelete = vfs_delete;
    v->vfs.xAccess = vfs_access;
    v->vfs.xFullPathname = vfs_full_name;
    v->vfs.xRandomness = vfs_randomness;
    v->vfs.xSleep = vfs_sleep;
    if (sqlite3_vfs_register(&v->vfs, 0) != SQLITE_OK)
        abort();
    return v;
}

static void drop_regions(struct file *f)
{
    for (int i = 0; i < REGIONS_MAX; i++) {
        free(f->regions[i]);
        f->regions[i] = NULL;
    }
}

void vfs_lossy_free(struct vfs_lossy *v)
{
    if (v == NULL)
        return;
    (void)sqlite3_vfs_unregister(&v->vfs);
    for (struct file *f = v->files, *next; f != NULL; f = next) {
        next = f->next;
        drop_writes(f);
        drop_regions(f);
        free(f->now.p);
        free(f->kept.p);
        free(f);
    }
    free(v);
}

uint64_t vfs_lossy_ops(const struct vfs_lossy *v)
{
    return v->ops;
}

void vfs_lossy_cut_after(struct vfs_lossy *v, uint64_t n)
{
    v->cut_at = v->ops + n;
}

bool vfs_lossy_is_cut(const struct vfs_lossy *v)
{
    return v->cut;
}

void vfs_lossy_restore(struct vfs_lossy *v)
{
    if (!v->cut)
        cut(v);
    for (struct file *f = v->files; f != NULL; f = f->next) {
        assert(f->shared == 0);
        drop_regions(f);
        f->exists = f->kept_exists;
        if (!f->exists)
            set_size(&f->kept, 0);
        set_size(&f->now, 0);
        if (f->kept.n > 0)
            put(&f->now, 0, f->kept.p, f->kept.n);
    }
    v->cut = false;
    v->cut_at = 0;
}

void vfs_lossy_fail_syncs(struct vfs_lossy *v, bool fail)
{
    v->fail_syncs = fail;
}

void vfs_lossy_set_capacity(struct vfs_lossy *v, uint64_t bytes)
{
    v->capacity = bytes;
}

bool vfs_lossy_holds(const struct vfs_lossy *v, struct str bytes)
{
    for (const struct file *f = v->files; f != NULL; f = f->next)
        if (f->exists && f->now.n > 0 && memmem(f->now.p, f->now.n, bytes.p, bytes.n) != NULL)
            return true;
    return false;
}

void vfs_lossy_damage(struct vfs_lossy *v, const char *suffix, unsigned n)
{
    for (struct file *f = v->files; f != NULL; f = f->next) {
        size_t length = strlen(f->name), end = strlen(suffix), at;

        if (length < end || strcmp(f->name + length - end, suffix) != 0 || f->now.n < n)
            continue;
        at = rng_below(&v->rng, f->now.n - n + 1);
        for (unsigned i = 0; i < n; i++)
            f->now.p[at + i] = (uint8_t)rng_u64(&v->rng);
    }
}
