/* faces_page.c - a page of what a search found: one file, no scripts, nothing from elsewhere. */
#include "faces_search.h"
#include "file.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" "
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
    "<meta name=\"robots\" content=\"noindex\">\n"
    "<title>Faces found</title>\n<style>\n"
    ":root { color-scheme: light dark; --line: #8884; --soft: #8881; }\n"
    "body { font: 16px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1rem; }\n"
    "h1 { font-size: 1.3rem; margin: 0 0 .3rem; }\n"
    "p { margin: .3rem 0; }\n"
    ".note { opacity: .75; font-size: .9rem; }\n"
    "section { border-top: 1px solid var(--line); margin-top: 1.2rem; padding-top: 1rem; }\n"
    ".probe { display: flex; gap: 1rem; align-items: center; margin-bottom: 1rem; }\n"
    ".probe h2 { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere; }\n"
    "ol { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .8rem; list-style: none; "
    "margin: 0; padding: 0; }\n"
    "li { background: var(--soft); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem; "
    "min-width: 0; }\n"
    "img, .none { width: 100%; aspect-ratio: 1; border-radius: .35rem; background: var(--soft); object-fit: cover; "
    "display: block; }\n"
    ".none { display: grid; place-items: center; font-size: .8rem; opacity: .6; }\n"
    ".probe img, .probe .none { width: 8rem; flex: none; }\n"
    ".score { font-weight: 600; font-variant-numeric: tabular-nums; margin-top: .5rem; }\n"
    ".name { font-weight: 600; }\n"
    ".name, .file { overflow-wrap: anywhere; }\n"
    ".file, .small { font-size: .8rem; opacity: .8; }\n"
    "@media (max-width: 30rem) { ol { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .5rem; } "
    ".probe img, .probe .none { width: 6rem; } }\n"
    "</style>\n</head>\n<body>\n";

/* Whatever the text is, it stays text: in elements and in quoted attributes. */
static void put_text(FILE *f, const char *text)
{
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

static void put_image(FILE *f, const uint8_t *jpeg, size_t size, const char *what)
{
    if (!jpeg) {
        fputs("<div class=\"none\">no picture kept</div>", f);
        return;
    }
    fputs("<img alt=\"", f);
    put_text(f, what);
    fputs("\" src=\"data:image/jpeg;base64,", f);
    put_base64(f, jpeg, size);
    fputs("\">", f);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static void put_time(FILE *f, double seconds)
{
    const long s = (long)seconds;
    if (s >= 3600) fprintf(f, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else fprintf(f, "%ld:%02ld", s / 60, s % 60);
}

static void put_hit(FILE *f, const hit *h, int rank)
{
    char rate[80], flaws[64];
    rate_text(rate, h);
    quality_text(flaws, sizeof flaws, h->face.flaws);
    fputs("<li>", f);
    put_image(f, h->face.thumbnail, h->face.thumbnail_size, last_part(h->path));
    fprintf(f, "<div class=\"score\">%d. cosine %.3f</div>", rank, (double)h->cosine);
    if (*rate) fprintf(f, "<div class=\"small\">%s looks so much alike</div>", rate);
    if (h->name && *h->name) {
        fputs("<div class=\"name\">", f);
        put_text(f, h->name);
        fputs("</div>", f);
    }
    fputs("<div class=\"file\" title=\"", f);
    put_text(f, h->path);
    fputs("\">", f);
    put_text(f, last_part(h->path));
    fputs("</div><div class=\"small\">", f);
    if (h->face.track >= 0) {
        put_time(f, h->face.t1);
        fputs(" &ndash; ", f);
        put_time(f, h->face.t2);
        fputs(" &middot; ", f);
    }
    fprintf(f, "face:%lld", (long long)h->face.id);
    if (*flaws) fprintf(f, " &middot; %s", flaws);
    fputs("</div></li>\n", f);
}

static void put_found(FILE *f, const found *one)
{
    char flaws[64];
    quality_text(flaws, sizeof flaws, one->of->flaws);
    fputs("<section><div class=\"probe\">", f);
    put_image(f, one->of->thumbnail, one->of->thumbnail_size, "searched for");
    fputs("<div><h2>", f);
    put_text(f, last_part(one->of->label));
    fprintf(f, "</h2><p>%d %s</p>", one->count, one->count == 1 ? "face found" : "faces found");
    if (*flaws) fprintf(f, "<p class=\"note\">The face searched for is %s: trust this less.</p>", flaws);
    fputs("</div></div>\n<ol>\n", f);
    for (int i = 0; i < one->count; i++) put_hit(f, &one->hits[i], i + 1);
    fputs("</ol></section>\n", f);
}

cyg_status search_page_write(const char *path, const found *all, int count, float threshold, bool overwrite,
                             cyg_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&bytes, &size);
    if (!f) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    fputs(head, f);
    fprintf(f, "<h1>Faces found</h1>\n<p class=\"note\">Cosines from %.3f on, best first. A cosine says how alike two "
               "pictures are, not who is on them: look for yourself. This page holds pictures of people; keep it as "
               "safe as them.</p>\n", (double)threshold);
    for (int i = 0; i < count; i++) put_found(f, &all[i]);
    fputs("</body>\n</html>\n", f);
    const bool whole = !ferror(f);
    cyg_status status = fclose(f) || !whole ? cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path)
                                            : file_write(path, bytes, size, overwrite, err);
    free(bytes);
    return status;
}
