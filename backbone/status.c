/* status.c - the texts of cyg_status, and the one way to fill in an error. */
#include "backbone.h"
#include <stdarg.h>
#include <stdio.h>

const char *cyg_version(void)
{
    return CYG_VERSION;
}

const char *cyg_status_text(cyg_status status)
{
    switch (status) {
#define X(name, value, text) case CYG_##name: return text;
    CYG_STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}

cyg_status cyg_fail(cyg_error *err, cyg_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        err->status = status;
    }
    return status;
}
