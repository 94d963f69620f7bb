/* records.c - one call to many reports. */
#include "records.h"
#include <assert.h>

cyg_status records_add(records *r, const char *path, report_format format, cyg_error *err)
{
    assert(r->count < 2);
    const cyg_status status = report_open(&r->reports[r->count], path, format, err);
    if (status == CYG_OK) r->count++;
    return status;
}

cyg_status records_begin(records *r, const report_header *h, cyg_error *err)
{
    cyg_status status = CYG_OK;
    for (int i = 0; status == CYG_OK && i < r->count; i++) status = report_begin(r->reports[i], h, err);
    return status;
}

cyg_status records_frame(records *r, const frame *f, cyg_error *err)
{
    cyg_status status = CYG_OK;
    for (int i = 0; status == CYG_OK && i < r->count; i++) status = report_frame(r->reports[i], f, err);
    return status;
}

cyg_status records_track(records *r, const appearance *a, cyg_error *err)
{
    cyg_status status = CYG_OK;
    for (int i = 0; status == CYG_OK && i < r->count; i++) status = report_track(r->reports[i], a, err);
    return status;
}

cyg_status records_error(records *r, const char *stage, const cyg_error *what, double t, cyg_error *err)
{
    cyg_status status = CYG_OK;
    for (int i = 0; status == CYG_OK && i < r->count; i++) status = report_error(r->reports[i], stage, what, t, err);
    return status;
}

cyg_status records_end(records *r, const report_summary *s, cyg_error *err)
{
    cyg_status status = CYG_OK;
    for (int i = 0; status == CYG_OK && i < r->count; i++) status = report_end(r->reports[i], s, err);
    return status;
}

cyg_status records_finish(records *r, cyg_error *err)
{
    cyg_status status = CYG_OK;
    for (int i = 0; status == CYG_OK && i < r->count; i++) status = report_finish(r->reports[i], err);
    return status;
}

void records_close(records *r)
{
    for (int i = 0; i < r->count; i++) report_close(r->reports[i]);
    r->count = 0;
}
