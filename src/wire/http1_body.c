#include "wire/http1_body.h"

#include "base/str.h"

void http1_body_init(struct http1_body_reader *b, const struct http1_request *r, uint64_t max)
{
    *b = (struct http1_body_reader){
        .chunked = {.body_max = max},
        .left = r->body == HTTP1_BODY_LENGTH ? r->content_length : 0,
        .is_chunked = r->body == HTTP1_BODY_CHUNKED,
    };
}

/* RFC 9112 7.1. */
static enum http1_body_step take_chunks(struct http1_body_reader *b, struct buf *in,
                                        struct buf *out, int *ret_status)
{
    enum chunked_event event;
    struct str data;
    size_t used;

    do {
        event = chunked_decode(&b->chunked, buf_peek(in), &used, &data, ret_status);
        if (event == CHUNKED_DATA)
            buf_append(out, data);
        buf_consume(in, used);
    } while (event == CHUNKED_DATA);
    if (event == CHUNKED_BAD)
        return HTTP1_STEP_BAD;
    return event == CHUNKED_DONE ? HTTP1_STEP_DONE : HTTP1_STEP_MORE;
}

/* RFC 9112 6.2. */
enum http1_body_step http1_body_take(struct http1_body_reader *b, struct buf *in, struct buf *out,
                                     int *ret_status)
{
    size_t n = MIN(buf_len(in), (size_t)b->left);

    if (b->is_chunked)
        return take_chunks(b, in, out, ret_status);
    buf_append(out, (struct str){buf_peek(in).p, n});
    buf_consume(in, n);
    b->left -= n;
    return b->left == 0 ? HTTP1_STEP_DONE : HTTP1_STEP_MORE;
}
