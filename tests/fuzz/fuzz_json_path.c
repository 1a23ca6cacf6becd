/* A path, a line end, and any bytes as JSON: what is found is JSON again, and finds itself. */
#include "base/str.h"
#include "gateway/json_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str text = {data, n}, path = str_cut(&text, '\n');
    struct buf raw CLEANUP(buf_fini), again CLEANUP(buf_fini), plain CLEANUP(buf_fini);
    bool found;

    buf_init(&raw, 1 << 20);
    buf_init(&again, 1 << 20);
    buf_init(&plain, 1 << 20);
    found = json_path_raw(text, path, &raw);
    assert(found == json_path_text(text, path, &plain));
    if (!found) {
        assert(buf_len(&raw) == 0 && buf_len(&plain) == 0);
        return 0;
    }
    assert(json_path_raw(text, STR("$"), &again));
    buf_clear(&again);
    assert(json_path_raw(buf_peek(&raw), STR("$"), &again));
    assert(str_eq(buf_peek(&raw), buf_peek(&again)));
    return 0;
}
