/* records.h - the records of one input in every form that was asked for: 0 to 2 reports at once. */
#ifndef RECORDS_H
#define RECORDS_H

#include "report.h"

typedef struct records {
    report *reports[2];
    int     count;
} records;

/* Each call does to every report what its namesake in report.h does; the first failure ends it. */
CYG_MUST_USE cyg_status records_add(records *r, const char *path, report_format format, cyg_error *err);
CYG_MUST_USE cyg_status records_begin(records *r, const report_header *h, cyg_error *err);
CYG_MUST_USE cyg_status records_frame(records *r, const frame *f, cyg_error *err);
CYG_MUST_USE cyg_status records_track(records *r, const appearance *a, cyg_error *err);
CYG_MUST_USE cyg_status records_error(records *r, const char *stage, const cyg_error *what, double t, cyg_error *err);
CYG_MUST_USE cyg_status records_end(records *r, const report_summary *s, cyg_error *err);
CYG_MUST_USE cyg_status records_finish(records *r, cyg_error *err);
void records_close(records *r);

#endif
