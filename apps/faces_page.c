/* faces_page.c - a page that needs nothing else, made in memory and written whole. */
#include "faces_page.h"
#include "file.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

static const char before_title[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" "
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
    "<meta name=\"robots\" content=\"noindex\">\n"
    "<title>";
static const char after_title[] =
    "</title>\n<style>\n"
    ":root { color-scheme: light dark; --line: #8884; --soft: #8881; }\n"
    "body { font: 16px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1rem; }\n"
    "h1 { font-size: 1.3rem; margin: 0 0 .3rem; }\n"
    "p { margin: .3rem 0; }\n"
    ".note { opacity: .75; font-size: .9rem; }\n"
    "section { border-top: 1px solid var(--line); margin-top: 1.2rem; padding-top: 1rem; }\n"
    ".probe { display: flex; gap: 1rem; align-items: center; margin-bottom: 1rem; }\n"
    "ol { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .8rem; list-style: none; "
    "margin: 0; padding: 0; }\n"
    "li { background: var(--soft); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem; "
    "min-width: 0; }\n"
    "img, .none { width: 100%; aspect-ratio: 1; border-radius: .35rem; background: var(--soft); object-fit: cover; "
    "display: block; }\n"
    ".none { display: grid; place-items: center; font-size: .8rem; opacity: .6; }\n"
    ".probe img, .probe .none { width: 8rem; flex: none; }\n"
    "h2 { font-size: 1.05rem; margin: 0 0 .2rem; overflow-wrap: anywhere; }\n"
    "code { overflow-wrap: anywhere; }\n"
    ".score { font-weight: 600; font-variant-numeric: tabular-nums; margin-top: .5rem; }\n"
    ".name { font-weight: 600; }\n"
    ".name, .file { overflow-wrap: anywhere; }\n"
    ".file, .small { font-size: .8rem; opacity: .8; }\n"
    ".many { grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); margin-top: .5rem; }\n"
    ".many img, .many .none { margin-bottom: .3rem; }\n"
    ".many .file { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }\n"
    "@media (max-width: 30rem) { ol { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .5rem; } "
    ".probe img, .probe .none { width: 6rem; } "
    ".many { grid-template-columns: repeat(3, minmax(0, 1fr)); } .many li { padding: .35rem; } }\n"
    "</style>\n</head>\n<body>\n";

cyg_status page_begin(page *p, const char *title, cyg_error *err)
{
    *p = (page){ 0 };
    p->f = open_memstream(&p->bytes, &p->size);
    if (!p->f) return cyg_fail(err, CYG_NO_MEMORY, "out of memory for a page");
    fprintf(p->f, "%s%s%s<h1>%s</h1>\n", before_title, title, after_title, title);
    return CYG_OK;
}

void page_text(page *p, const char *text)
{
    FILE *f = p->f;
    char *clean = text_cleaned(text, TEXT_TERMINAL);       /* no control or direction characters either */
    for (const char *c = clean ? clean : "?"; *c; c++)
        switch (*c) {
        case '&': fputs("&amp;", f); break;
        case '<': fputs("&lt;", f); break;
        case '>': fputs("&gt;", f); break;
        case '"': fputs("&quot;", f); break;
        case '\'': fputs("&#39;", f); break;
        default: putc(*c, f);
        }
    free(clean);
}

static void put_base64(FILE *f, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        const uint32_t three = (uint32_t)bytes[i] << 16 | (i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0) |
                               (i + 2 < size ? bytes[i + 2] : 0u);
        putc(digits[three >> 18], f);
        putc(digits[three >> 12 & 63], f);
        putc(i + 1 < size ? digits[three >> 6 & 63] : '=', f);
        putc(i + 2 < size ? digits[three & 63] : '=', f);
    }
}

void page_image(page *p, const uint8_t *jpeg, size_t size, const char *what)
{
    FILE *f = p->f;
    if (!jpeg) {
        fputs("<div class=\"none\">no picture kept</div>", f);
        return;
    }
    fputs("<img alt=\"", f);
    page_text(p, what);
    fputs("\" src=\"data:image/jpeg;base64,", f);
    put_base64(f, jpeg, size);
    fputs("\">", f);
}

const char *page_last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

void page_file(page *p, const char *path)
{
    fputs("<div class=\"file\" title=\"", p->f);
    page_text(p, path);
    fputs("\">", p->f);
    page_text(p, page_last_part(path));
    fputs("</div>", p->f);
}

void page_time(page *p, double seconds)
{
    const long s = (long)seconds;
    if (s >= 3600) fprintf(p->f, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else fprintf(p->f, "%ld:%02ld", s / 60, s % 60);
}

cyg_status page_end(page *p, const char *path, bool whole, bool overwrite, cyg_error *err)
{
    fputs("</body>\n</html>\n", p->f);
    const bool kept = !ferror(p->f);
    cyg_status status = CYG_OK;
    if (fclose(p->f) || !kept) status = cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    else if (whole) status = file_write(path, p->bytes, p->size, overwrite, err);
    free(p->bytes);
    return status;
}
