/* faces_page.h - a page to look at: one file, no scripts, nothing from elsewhere, nothing but text in it. */
#ifndef FACES_PAGE_H
#define FACES_PAGE_H

#include "backbone.h"
#include <stdio.h>

typedef struct page {
    FILE  *f;                   /* for the page's own marks; other people's words only through page_text */
    char  *bytes;
    size_t size;
} page;

/* Begins a page in memory. CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status page_begin(page *p, const char *title, cyg_error *err);
/* Whatever the text is, it stays text: in elements and in quoted attributes. */
void page_text(page *p, const char *text);
/* A JPEG; NULL: a place that says that there is none. what: for those who cannot see it. */
void page_image(page *p, const uint8_t *jpeg, size_t size, const char *what);
/* The file's name, with its whole path to hover over. */
void page_file(page *p, const char *path);
const char *page_last_part(const char *path);
/* "1:02:03" */
void page_time(page *p, double seconds);
/* Writes the file, if whole is true, and frees the page in every case. CYG_IO, CYG_ARGUMENT (it exists),
 * CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status page_end(page *p, const char *path, bool whole, bool overwrite, cyg_error *err);

#endif
