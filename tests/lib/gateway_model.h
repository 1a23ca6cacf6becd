/* gateway_model.h: API Gateway's @connections in the simulator, and everything that can go wrong
 * on the way to them: answers that are lost or late, 410 for a connection that lives, frames that
 * arrive twice, throttling. It lives on the loop that makes it; posters are of other loops. */
#ifndef LIB_GATEWAY_MODEL_H
#define LIB_GATEWAY_MODEL_H

#include "base/wheel.h"
#include "io/io.h"
#include "serverless/poster.h"

/* Chances are out of 1000. */
struct gateway_model_faults {
    unsigned lost;      /* it arrives; there is no answer */
    unsigned dropped;   /* it does not arrive; there is no answer */
    unsigned late;      /* there is no answer, and it arrives up to late_ms later */
    unsigned twice;     /* it arrives again, up to late_ms later */
    unsigned gone;      /* 410, though the connection lives; perhaps it arrives */
    unsigned throttle;  /* 429 */
    unsigned fail;      /* 500; perhaps it arrives */
    unsigned frame_max; /* 413 for a longer one; 0: none is too long */
    unsigned latency_ms, late_ms;
};

struct gateway_model;

/* A frame arrives at an open connection: on the model's loop. */
typedef void gateway_model_f(void *ctx, struct str id, struct str body);

struct gateway_model *gateway_model_new(struct io *io, struct wheel *wheel, uint64_t seed,
                                        gateway_model_f *arrived, void *ctx) MUST_CHECK;
void gateway_model_set(struct gateway_model *m, struct gateway_model_faults faults);

/* Nothing may be on its way. NULL is fine. */
void gateway_model_free(struct gateway_model *m);

/* Posts that are on their way. */
unsigned gateway_model_flying(const struct gateway_model *m);

/* The connections that are open. */
void gateway_model_open(struct gateway_model *m, struct str id);
void gateway_model_close(struct gateway_model *m, struct str id);
bool gateway_model_is_open(struct gateway_model *m, struct str id) MUST_CHECK;

/* A poster for a loop. cut: its process was killed; what it had sent may yet arrive, and it hears
 * of nothing any more. Freed when it has nothing under way. */
struct poster *gateway_model_poster(struct gateway_model *m, struct io *home) MUST_CHECK;
void gateway_model_cut(struct poster *p);
void gateway_model_drop(struct poster *p);

#endif
