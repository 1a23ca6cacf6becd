#include "lib/sim_function.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/check.h"

#define EVENT_MS 25000
#define EVENT_MAX 4096

/* The ways of the instance to the outside. */

static void fn_end(struct sim_function *f, struct str answer, bool failed)
{
    assert_true(f->busy);
    f->busy = false;
    f->failed = failed;
    f->answer = answer;
    f->o.answered(f->o.ctx, f);
}

static void fn_answered(void *ctx, struct str answer)
{
    fn_end(ctx, answer, false);
}

static void fn_failed(void *ctx, const char *type, const char *why)
{
    (void)why;
    fn_end(ctx, str_of(type), true);
}

static void fn_told(void *ctx, const char *event, const char *why)
{
    (void)ctx;
    if (getenv("TOLD") != NULL)
        print_message("%s: %s\n", event, why);
}

/* An invocation of the function by itself, which is taken at once, but from one that was killed. */
struct asking {
    struct io_mail mail;
    bool taken;
    invoker_done_f *done;
    void *ctx;
};

static void asked(struct io_mail *mail)
{
    struct asking a = *CONTAINER_OF(mail, struct asking, mail);

    free(CONTAINER_OF(mail, struct asking, mail));
    a.done(a.ctx, a.taken);
}

static void fn_ask(struct invoker *i, struct str payload, invoker_done_f *done, void *ctx)
{
    struct sim_function *f = CONTAINER_OF(i, struct sim_function, invoker);
    struct asking *a = mem_zeroed(1, sizeof(*a));

    *a =
        (struct asking){.mail = {.deliver = asked}, .taken = !f->crashed, .done = done, .ctx = ctx};
    if (a->taken)
        f->o.invoked(f->o.ctx, payload);
    io_post(f->io, &a->mail, &a->mail);
}

static const struct invoker_ops fn_invoker_ops = {.ask = fn_ask};

/* Events. */

static void put_context(struct json_out *o, const struct sim_function_event *v)
{
    static const char *const types[] = {
        [SIM_CONNECT] = "CONNECT", [SIM_MESSAGE] = "MESSAGE", [SIM_LEAVE] = "DISCONNECT"};

    json_out_key(o, "requestContext");
    json_out_object(o);
    json_out_field_str(o, "eventType", str_of(types[v->kind]));
    json_out_field_str(o, "connectionId", str_of(v->id));
    json_out_field_str(o, "domainName", STR("api.test"));
    json_out_field_str(o, "stage", STR("prod"));
    json_out_field_u64(o, "connectedAt", v->connected_ms);
    if (v->source[0] != '\0') {
        json_out_key(o, "identity");
        json_out_object(o);
        json_out_field_str(o, "sourceIp", str_of(v->source));
        json_out_object_end(o);
    }
    if (v->principal[0] != '\0') {
        json_out_key(o, "authorizer");
        json_out_object(o);
        json_out_field_str(o, "principalId", str_of(v->principal));
        json_out_object_end(o);
    }
    json_out_object_end(o);
}

static void write_event(struct sim_function *f)
{
    const struct sim_function_event *v = &f->event;
    struct json_out o;

    buf_clear(&f->text);
    if (v->kind == SIM_DELIVER) {
        buf_append(&f->text, str_of(v->text));
        return;
    }
    json_out_init(&o, &f->text);
    json_out_object(&o);
    put_context(&o, v);
    if (v->kind == SIM_MESSAGE) {
        json_out_field_str(&o, "body", str_of(v->text));
    } else if (v->text[0] != '\0') {
        json_out_key(&o, "queryStringParameters");
        json_out_object(&o);
        json_out_field_str(&o, "token", str_of(v->text));
        json_out_object_end(&o);
    }
    json_out_object_end(&o);
}

static void fn_begin(struct io_mail *mail)
{
    struct sim_function *f = CONTAINER_OF(mail, struct sim_function, mail);

    write_event(f);
    assert_false(f->text.failed);
    lambda_invoke(f->lambda, f->text.bytes + f->text.rpos, buf_len(&f->text),
                  io_now_ms(f->io) + EVENT_MS, (struct str){0});
}

void sim_function_ask(struct sim_function *f, const struct sim_function_event *event)
{
    assert(!f->busy && !f->crashed);
    f->busy = true;
    f->event = *event;
    f->mail.deliver = fn_begin;
    io_post(f->io, &f->mail, &f->mail);
}

/* The instance. */

static bool fn_turn(void *arg)
{
    struct sim_function *f = arg;

    io_wait(f->io, lambda_hurries(f->lambda) ? 0 : wheel_next_ms(&f->wheel));
    wheel_advance(&f->wheel, io_now_ms(f->io));
    lambda_turn(f->lambda);
    return true;
}

static struct lambda *open_lambda(struct sim_function *f)
{
    struct lambda_options o = {.conf = f->o.conf,
                               .io = f->io,
                               .wheel = &f->wheel,
                               .store = f->store,
                               .poster = f->poster,
                               .http = f->o.http,
                               .invoker = &f->invoker,
                               .shard_max = f->o.shard_max,
                               .deliver_mistake = f->o.deliver_mistake,
                               .join_mistake = f->o.join_mistake,
                               .answered = fn_answered,
                               .failed = fn_failed,
                               .told = fn_told,
                               .ctx = f};

    return lambda_new(&o);
}

struct sim_function *sim_function_new(const struct sim_function_options *o)
{
    struct sim_function *f = mem_zeroed(1, sizeof(*f));
    struct store *mem;

    f->o = *o;
    f->host = sim_host_new(o->sim);
    assert_int_equal(host_io_new(f->host, &f->io), 0);
    wheel_init(&f->wheel, io_now_ms(f->io));
    assert_int_equal(store_mem_open(f->host, o->disk, &mem), 0);
    f->faults = store_fault_new(mem, o->seed, o->faults);
    f->store = store_fault_store(f->faults);
    f->poster = gateway_model_poster(o->gateway, f->io);
    f->invoker.ops = &fn_invoker_ops;
    f->lambda = open_lambda(f);
    buf_init(&f->text, EVENT_MAX);
    assert_int_equal(host_start(f->host, f->io, fn_turn, f), 0);
    return f;
}

bool sim_function_is_idle(struct sim_function *f)
{
    return !f->busy && lambda_is_idle(f->lambda);
}

void sim_function_free(struct sim_function *f)
{
    lambda_free(f->lambda);
    gateway_model_drop(f->poster);
    store_close(f->store);
    io_free(f->io);
    host_free(f->host);
    buf_fini(&f->text);
    free(f);
}

void sim_function_crash(struct sim_function *f)
{
    f->crashed = true;
    sim_host_crash(f->host);
    gateway_model_cut(f->poster);
}
