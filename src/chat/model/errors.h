/* errors.h: what a command may be refused with: errors.tbl as C. */
#ifndef CHAT_MODEL_ERRORS_H
#define CHAT_MODEL_ERRORS_H

enum error_code {
    ERROR_NONE,
#define ERROR(code, status, text) ERROR_##code,
#include "chat/model/errors.tbl"
#undef ERROR
    ERROR_N,
};

#endif
