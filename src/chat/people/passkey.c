#include "chat/people/passkey.h"

#include "base/str.h"

static void put_number(struct buf *out, uint64_t v)
{
    buf_append_u64(out, v);
    buf_append_byte(out, ' ');
}

static void put_text(struct buf *out, struct str s, uint8_t end)
{
    buf_append(out, s);
    buf_append_byte(out, end);
}

void passkey_encode(const struct passkeys *p, struct buf *out)
{
    assert(p->n <= PASSKEYS_MAX);
    buf_append_u64(out, p->salt);
    buf_append_byte(out, '\n');
    for (unsigned i = 0; i < p->n; i++) {
        const struct passkey *k = &p->at[i];

        put_number(out, k->created_ms);
        put_number(out, k->used_ms);
        put_number(out, k->count);
        put_number(out, k->flags);
        put_text(out, k->rp, ' ');
        put_text(out, k->id, ' ');
        put_text(out, k->key, ' ');
        put_text(out, k->title, '\n');
    }
}

static bool passkey_line(struct str line, struct passkey *ret)
{
    uint64_t flags;

    if (!str_to_u64(str_cut(&line, ' '), &ret->created_ms) ||
        !str_to_u64(str_cut(&line, ' '), &ret->used_ms) ||
        !str_to_u64(str_cut(&line, ' '), &ret->count) || !str_to_u64(str_cut(&line, ' '), &flags))
        return false;
    ret->flags = (unsigned)(flags & UINT32_MAX);
    ret->rp = str_cut(&line, ' ');
    ret->id = str_cut(&line, ' ');
    ret->key = str_cut(&line, ' ');
    ret->title = line;
    return ret->rp.n > 0 && ret->id.n > 0 && ret->key.n > 0;
}

bool passkey_decode(struct str body, struct passkeys *ret_p)
{
    ret_p->n = 0;
    if (body.n == 0 || body.p[body.n - 1] != '\n' ||
        !str_to_u64(str_cut(&body, '\n'), &ret_p->salt))
        return false;
    while (body.n > 0) {
        if (ret_p->n == PASSKEYS_MAX || !passkey_line(str_cut(&body, '\n'), &ret_p->at[ret_p->n]))
            return false;
        ret_p->n++;
    }
    return true;
}

struct passkey *passkey_find(struct passkeys *p, struct str id)
{
    for (unsigned i = 0; i < p->n; i++)
        if (str_eq(p->at[i].id, id))
            return &p->at[i];
    return NULL;
}

struct passkey *passkey_named(struct passkeys *p, uint64_t created_ms)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->at[i].created_ms == created_ms)
            return &p->at[i];
    return NULL;
}

struct passkey *passkey_add(struct passkeys *p, const struct passkey *k, uint64_t now_ms)
{
    struct passkey *added = &p->at[p->n];

    assert(p->n < PASSKEYS_MAX);
    while (passkey_named(p, now_ms) != NULL)
        now_ms++;
    *added = *k;
    added->created_ms = now_ms;
    p->n++;
    return added;
}

void passkey_remove(struct passkeys *p, struct passkey *k)
{
    size_t i = (size_t)(k - p->at);

    assert(i < p->n);
    memmove(k, k + 1, (p->n - i - 1) * sizeof(*k));
    p->n--;
}

bool passkey_counts_on(const struct passkey *k, uint64_t count)
{
    return count > k->count || (count == 0 && k->count == 0);
}

void passkey_handle_write(uint64_t user, uint64_t salt, uint8_t buf[static PASSKEY_HANDLE_N])
{
    for (unsigned i = 0; i < 8; i++) {
        buf[i] = (uint8_t)(user >> (56 - 8 * i));
        buf[8 + i] = (uint8_t)(salt >> (56 - 8 * i));
    }
}

bool passkey_handle_read(struct str bytes, uint64_t *ret_user, uint64_t *ret_salt)
{
    uint64_t user = 0, salt = 0;

    if (bytes.n != PASSKEY_HANDLE_N)
        return false;
    for (unsigned i = 0; i < 8; i++) {
        user = user << 8 | bytes.p[i];
        salt = salt << 8 | bytes.p[8 + i];
    }
    if (user == 0)
        return false;
    *ret_user = user;
    *ret_salt = salt;
    return true;
}
