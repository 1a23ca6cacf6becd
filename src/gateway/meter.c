#include "gateway/meter.h"

#include "base/str.h"

/* Dollars: docs/gateway.md says where they are from. */
#define MESSAGE 1.00e-6
#define CONNECTED_MINUTE 0.25e-6
#define INVOCATION 0.20e-6
#define GB_SECOND 0.0000166667
enum { CHARGED_BYTES = 32 * 1024, MINUTE_MS = 60000 };

void meter_message(struct meter *m, size_t n)
{
    m->metered += n == 0 ? 1 : (n + CHARGED_BYTES - 1) / CHARGED_BYTES;
}

struct meter_cost meter_cost(const struct meter *m, uint64_t connected_ms)
{
    struct meter_cost c = {
        .messages = (double)m->metered * MESSAGE,
        .minutes = (double)connected_ms / MINUTE_MS * CONNECTED_MINUTE,
        .invocations = (double)m->invocations * INVOCATION,
        .compute = (double)m->function_mb_ms / 1024 / 1000 * GB_SECOND,
    };

    c.all = c.messages + c.minutes + c.invocations + c.compute;
    return c;
}

static void write_counter(struct buf *out, const char *name, const char *what, uint64_t v)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", name, what, name, name,
               (unsigned long long)v);
}

static void write_gauge(struct buf *out, const char *name, const char *what, double v)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %.9g\n", name, what, name, name, v);
}

void meter_write(const struct meter *m, uint64_t connected_ms, size_t open, struct buf *out)
{
    struct meter_cost c = meter_cost(m, connected_ms);

#define X(field, name, what) write_counter(out, name, what, m->field);
    METER_COUNTERS(X)
#undef X
    write_gauge(out, "gateway_connections", "connections that are open", (double)open);
    write_gauge(out, "gateway_connected_minutes", "minutes that connections were open",
                (double)connected_ms / MINUTE_MS);
    write_gauge(out, "gateway_cost_dollars", "what AWS would have asked for, list prices", c.all);
}

void meter_report(const struct meter *m, uint64_t connected_ms, struct buf *out)
{
    struct meter_cost c = meter_cost(m, connected_ms);

    buf_printf(out, "%llu connections, %llu messages in, %llu out\n",
               (unsigned long long)m->connections, (unsigned long long)m->messages_in,
               (unsigned long long)m->messages_out);
    buf_printf(out, "On AWS this would have cost $%.6f (list prices of us-east-1):\n", c.all);
    buf_printf(out, "  %12.6f  %llu messages of up to 32 KB\n", c.messages,
               (unsigned long long)m->metered);
    buf_printf(out, "  %12.6f  %.1f minutes of connection\n", c.minutes,
               (double)connected_ms / MINUTE_MS);
    if (m->invocations > 0)
        buf_printf(out, "  %12.6f  %llu invocations of functions, %.1f s\n",
                   c.invocations + c.compute, (unsigned long long)m->invocations,
                   (double)m->function_ms / 1000);
}
