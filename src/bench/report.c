#include "bench/report.h"

#include "base/json.h"
#include "base/str.h"

#define NS_PER_S 1e9
#define US_PER_S 1e6
#define LONG_US 1000000u

static double per(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static double seconds(uint64_t us)
{
    return (double)us / US_PER_S;
}

static double rate(const struct report *r, uint64_t n)
{
    return per((double)n, seconds(r->measured_us));
}

static uint64_t shown(const struct tally_counts *n)
{
    return n->deliveries + n->paged;
}

bool report_broken(const struct report *r)
{
    return r->tally->counts.gaps > 0 || r->tally->counts.repeats > 0 || r->missing > 0;
}

/* --- For people. --- */

static void print_plan(const struct plan *p, FILE *f)
{
    if (p->floor)
        (void)fprintf(f, "The floor: a bare loop, %llu message(s) to a send\n",
                      (unsigned long long)p->conf->floor_join);
    else
        (void)fprintf(f, "%s\n", p->conf->url);
    (void)fprintf(
        f, "  %-11s %u connections, %u people, %u rooms, %u publishers, %zu bytes of text", "plan",
        p->connections, p->people, p->rooms, p->publishers * p->rooms, p->payload);
    if (p->rate > 0)
        (void)fprintf(f, ", %u/s\n", p->rate);
    else
        (void)fprintf(f, ", window %u\n", p->window);
}

static void print_opening(const struct report *r, FILE *f)
{
    double n = r->plan->connections;

    (void)fprintf(f, "  %-11s in %.2f s, %.0f/s", "opened", seconds(r->open_us),
                  per(n, seconds(r->open_us)));
    if (r->watched)
        (void)fprintf(f, "; each cost %.1f us CPU and %.0f bytes",
                      (double)r->open_cpu_ns / 1000 / n, (double)r->open_bytes / n);
    (void)fputc('\n', f);
}

static void print_quantiles(const char *name, const struct hist *h, FILE *f)
{
    if (h->n == 0)
        return;
    (void)fprintf(f, "  %-11s p50 %.2f  p90 %.2f  p99 %.2f  p99.9 %.2f  max %.2f ms\n", name,
                  (double)hist_quantile(h, 0.5) / 1000, (double)hist_quantile(h, 0.9) / 1000,
                  (double)hist_quantile(h, 0.99) / 1000, (double)hist_quantile(h, 0.999) / 1000,
                  (double)hist_max(h) / 1000);
}

static void print_cost(const struct report *r, FILE *f)
{
    double n = (double)shown(&r->measured), user = (double)r->user_ms;
    double ticks = user + (double)r->system_ms;

    if (r->watched)
        (void)fprintf(f,
                      "  %-11s %.3f us CPU a delivery (%.0f %% in user mode), %.0f %% of a CPU, "
                      "%.1f MiB resident\n",
                      r->plan->floor ? "floor" : "server", per((double)r->cpu_ns / 1000, n),
                      per(100 * user, ticks), per((double)r->cpu_ns / 10, (double)r->measured_us),
                      (double)r->resident_bytes / (1 << 20));
    (void)fprintf(f, "  %-11s %.3f us CPU a delivery, %.0f %% of a CPU\n", "bench",
                  per((double)r->own_cpu_ns / 1000, n),
                  per((double)r->own_cpu_ns / 10, (double)r->measured_us));
}

static void print_promises(const struct report *r, FILE *f)
{
    const struct tally_counts *n = &r->tally->counts;
    char a[STR_GROUPED_N], b[STR_GROUPED_N], c[STR_GROUPED_N], d[STR_GROUPED_N];

    (void)fprintf(f, "  %-11s %s gaps, %s repeats, %s missing of %s shown\n", "promises",
                  str_grouped(n->gaps, a), str_grouped(n->repeats, b), str_grouped(r->missing, c),
                  str_grouped(shown(n), d));
    if (n->reconnects + n->drops + n->behinds + n->resets + n->resends > 0)
        (void)fprintf(f,
                      "  %-11s %s cut, %s dropped, %s times behind (%s entries as pages), %llu "
                      "resets, %llu resends (%llu duplicates)\n",
                      "", str_grouped(n->reconnects, a), str_grouped(n->drops, b),
                      str_grouped(n->behinds, c), str_grouped(n->paged, d),
                      (unsigned long long)n->resets, (unsigned long long)n->resends,
                      (unsigned long long)n->duplicates);
    if (r->tally->back.n > 0)
        (void)fprintf(f, "  %-11s p50 %llu  p99 %llu  max %llu ms\n", "back after",
                      (unsigned long long)hist_quantile(&r->tally->back, 0.5),
                      (unsigned long long)hist_quantile(&r->tally->back, 0.99),
                      (unsigned long long)hist_max(&r->tally->back));
    if (r->plan->slow > 0 || r->settle_us >= LONG_US)
        (void)fprintf(f, "  %-11s waited %.2f s after the last send%s\n", "", seconds(r->settle_us),
                      r->missing == 0 ? "; then everybody had everything" : ", not longer");
}

/* What the judge of a deployment asks. */
static void print_moves(const struct report *r, FILE *f)
{
    const struct tally *t = r->tally;
    const struct tally_counts *n = &t->counts;
    char a[STR_GROUPED_N], b[STR_GROUPED_N], c[STR_GROUPED_N], d[STR_GROUPED_N];

    if (n->moves + n->move_retries == 0)
        return;
    (void)fprintf(f, "  %-11s %s moved, within p50 %llu  p99 %llu  max %llu ms; %s tries in vain\n",
                  "moves", str_grouped(n->moves, a),
                  (unsigned long long)hist_quantile(&t->move, 0.5),
                  (unsigned long long)hist_quantile(&t->move, 0.99),
                  (unsigned long long)hist_max(&t->move), str_grouped(n->move_retries, b));
    (void)fprintf(f,
                  "  %-11s %s messages lost, %s shown twice, %s connections closed before their "
                  "successor was up; longest without one %llu ms\n",
                  "", str_grouped(n->gaps + r->missing, a), str_grouped(n->repeats, c),
                  str_grouped(n->drops, d), (unsigned long long)hist_max(&t->back));
}

/* The flag of the server that lifts the limit behind an error, or NULL. */
static const char *remedy(const char *code)
{
    static const struct {
        const char *code, *flag;
    } known[] = {
        {"rate_limited", "--messages-per-user 0"},
        {"too_many_commands", "--commands-in-flight 0"},
        {"too_many_rooms", "--rooms-per-connection 0"},
        {"rooms_limit", "--rooms-per-user 0"},
        {"too_long", "--text-max 0"},
        {"closed_1009", "--frame-max 0"},
        {"upgrade_refused_429", "--connects-per-address 0"},
        {"upgrade_refused_503", "--connections-max 0"},
    };

    for (size_t i = 0; i < COUNTOF(known); i++) {
        if (strcmp(known[i].code, code) == 0)
            return known[i].flag;
    }
    return NULL;
}

static void print_errors(const struct tally *t, FILE *f)
{
    (void)fprintf(f, "  %-11s %s\n", "errors", t->errors_n == 0 ? "none" : "");
    for (size_t i = 0; i < t->errors_n; i++) {
        const char *flag = remedy(t->errors[i].code);

        (void)fprintf(f, "  %-11s %llu x %s%s%s\n", "", (unsigned long long)t->errors[i].n,
                      t->errors[i].code, flag != NULL ? "; to lift it, start the server with " : "",
                      flag != NULL ? flag : "");
    }
}

void report_print(const struct report *r, FILE *f)
{
    char a[STR_GROUPED_N], b[STR_GROUPED_N];

    print_plan(r->plan, f);
    print_opening(r, f);
    (void)fprintf(f, "  %-11s %.2f s%s: %s sends/s, %s deliveries/s\n", "measured",
                  seconds(r->measured_us), r->interrupted ? " (interrupted)" : "",
                  str_grouped((uint64_t)rate(r, r->measured.sends), a),
                  str_grouped((uint64_t)rate(r, shown(&r->measured)), b));
    print_quantiles("latency", &r->tally->latency, f);
    print_quantiles("ack", &r->tally->ack, f);
    print_cost(r, f);
    print_promises(r, f);
    print_moves(r, f);
    print_errors(r->tally, f);
}

/* --- As JSON. --- */

static void json_double(struct json_out *o, const char *key, double v)
{
    json_out_key(o, key);
    json_out_double(o, v);
}

static void json_plan(const struct plan *p, struct json_out *o)
{
    json_out_key(o, "plan");
    json_out_object(o);
    json_out_field_str(o, "target", str_of(p->floor ? "floor" : p->conf->url));
    json_out_field_u64(o, "connections", p->connections);
    json_out_field_u64(o, "people", p->people);
    json_out_field_u64(o, "rooms", p->rooms);
    json_out_field_u64(o, "rooms_each", p->rooms_each);
    json_out_field_u64(o, "publishers", (uint64_t)p->publishers * p->rooms);
    json_out_field_u64(o, "window", p->window);
    json_out_field_u64(o, "rate", p->rate);
    json_out_field_u64(o, "payload", p->payload);
    json_out_field_u64(o, "slow_readers", p->slow);
    json_out_field_u64(o, "reconnects", p->reconnects);
    if (p->floor)
        json_out_field_u64(o, "join", p->conf->floor_join);
    json_out_object_end(o);
}

static void json_quantiles(const char *key, const struct hist *h, const char *unit,
                           struct json_out *o)
{
    json_out_key(o, key);
    json_out_object(o);
    json_out_field_str(o, "unit", str_of(unit));
    json_out_field_u64(o, "n", h->n);
    json_double(o, "mean", hist_mean(h));
    json_out_field_u64(o, "p50", hist_quantile(h, 0.5));
    json_out_field_u64(o, "p90", hist_quantile(h, 0.9));
    json_out_field_u64(o, "p99", hist_quantile(h, 0.99));
    json_out_field_u64(o, "p999", hist_quantile(h, 0.999));
    json_out_field_u64(o, "max", hist_max(h));
    json_out_object_end(o);
}

static void json_counts(const char *key, const struct tally_counts *n, struct json_out *o)
{
    json_out_key(o, key);
    json_out_object(o);
    json_out_field_u64(o, "sends", n->sends);
    json_out_field_u64(o, "acks", n->acks);
    json_out_field_u64(o, "deliveries", n->deliveries);
    json_out_field_u64(o, "paged", n->paged);
    json_out_field_u64(o, "gaps", n->gaps);
    json_out_field_u64(o, "repeats", n->repeats);
    json_out_field_u64(o, "casts", n->casts);
    json_out_field_u64(o, "behinds", n->behinds);
    json_out_field_u64(o, "resets", n->resets);
    json_out_field_u64(o, "resends", n->resends);
    json_out_field_u64(o, "duplicates", n->duplicates);
    json_out_field_u64(o, "drops", n->drops);
    json_out_field_u64(o, "moves", n->moves);
    json_out_field_u64(o, "move_retries", n->move_retries);
    json_out_field_u64(o, "twins", n->twins);
    json_out_field_u64(o, "reconnects", n->reconnects);
    json_out_field_u64(o, "errors", n->errors);
    json_out_field_u64(o, "bytes", n->bytes);
    json_out_object_end(o);
}

static void json_cost(const struct report *r, struct json_out *o)
{
    double n = r->plan->connections, shows = (double)shown(&r->measured);

    json_out_key(o, r->plan->floor ? "floor" : "server");
    json_out_object(o);
    json_double(o, "us_per_delivery", per((double)r->cpu_ns / 1000, shows));
    json_double(o, "cpu", per((double)r->cpu_ns / 1000, (double)r->measured_us));
    json_out_field_u64(o, "user_ms", r->user_ms);
    json_out_field_u64(o, "system_ms", r->system_ms);
    json_double(o, "us_per_connection", (double)r->open_cpu_ns / 1000 / n);
    json_double(o, "bytes_per_connection", (double)r->open_bytes / n);
    json_out_field_u64(o, "resident_bytes", r->resident_bytes);
    json_out_object_end(o);
}

void report_json(const struct report *r, struct buf *b)
{
    struct json_out o;

    json_out_init(&o, b);
    json_out_object(&o);
    json_plan(r->plan, &o);
    json_double(&o, "login_s", seconds(r->login_us));
    json_double(&o, "open_s", seconds(r->open_us));
    json_double(&o, "measured_s", seconds(r->measured_us));
    json_out_field_bool(&o, "interrupted", r->interrupted);
    json_double(&o, "settle_s", seconds(r->settle_us));
    json_double(&o, "sends_per_s", rate(r, r->measured.sends));
    json_double(&o, "deliveries_per_s", rate(r, shown(&r->measured)));
    json_quantiles("latency", &r->tally->latency, "us", &o);
    json_quantiles("ack", &r->tally->ack, "us", &o);
    json_quantiles("back", &r->tally->back, "ms", &o);
    json_quantiles("move", &r->tally->move, "ms", &o);
    if (r->watched)
        json_cost(r, &o);
    json_double(&o, "bench_us_per_delivery",
                per((double)r->own_cpu_ns / 1000, (double)shown(&r->measured)));
    json_counts("measured", &r->measured, &o);
    json_counts("total", &r->tally->counts, &o);
    json_out_field_u64(&o, "missing", r->missing);
    json_out_key(&o, "errors");
    json_out_object(&o);
    for (size_t i = 0; i < r->tally->errors_n; i++) {
        json_out_key_str(&o, str_of(r->tally->errors[i].code));
        json_out_u64(&o, r->tally->errors[i].n);
    }
    json_out_object_end(&o);
    json_out_object_end(&o);
    buf_append_byte(b, '\n');
}
