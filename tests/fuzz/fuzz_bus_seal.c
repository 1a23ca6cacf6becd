/* Any bytes as a message of the bus: what is read writes the same bytes again. */
#include "base/str.h"
#include "bus/bus_seal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct bus_seal s;
    struct bus_seal_channel c;
    struct bus_head h = {0}, again;
    struct str bytes, message = {data, n};
    uint8_t *copy;

    bus_seal_init(&s, STR("a secret of thirty-two bytes....."), STR("fuzz"));
    bus_seal_channel(&s, STR("fuzz:room"), &c);
    assert((bus_seal_node(message) != 0) <= (n >= BUS_SEAL_N));
    if (bus_seal_read(&s, &c, message, &h, &bytes) == BUS_SEAL_GOOD)
        assert(bytes.n == n - BUS_SEAL_N);
    if (n < BUS_SEAL_N)
        return 0;
    copy = malloc(n);
    if (copy == NULL)
        abort();
    memcpy(copy, data, n);
    h.node = bus_seal_node(message);
    bus_seal_write(&s, &c, &h, copy, n);
    assert(bus_seal_read(&s, &c, (struct str){copy, n}, &again, &bytes) == BUS_SEAL_GOOD);
    assert(again.node == h.node && again.kind == h.kind);
    free(copy);
    return 0;
}
