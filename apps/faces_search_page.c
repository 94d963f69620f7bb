/* faces_search_page.c - the page of what a search found. */
#include "faces_page.h"
#include "faces_search.h"

static void put_hit(page *p, const hit *h, int rank)
{
    FILE *f = p->f;
    char rate[80], flaws[64];
    rate_text(rate, h);
    quality_text(flaws, sizeof flaws, h->face.flaws);
    fputs("<li>", f);
    page_image(p, h->face.thumbnail, h->face.thumbnail_size, page_last_part(h->path));
    fprintf(f, "<div class=\"score\">%d. cosine %.3f</div>", rank, (double)h->cosine);
    if (*rate) fprintf(f, "<div class=\"small\">%s looks so much alike</div>", rate);
    if (h->name && *h->name) {
        fputs("<div class=\"name\">", f);
        page_text(p, h->name);
        fputs("</div>", f);
    }
    page_file(p, h->path);
    fputs("<div class=\"small\">", f);
    if (h->face.track >= 0) {
        page_time(p, h->face.t1);
        fputs(" &ndash; ", f);
        page_time(p, h->face.t2);
        fputs(" &middot; ", f);
    }
    fprintf(f, "face:%lld", (long long)h->face.id);
    if (*flaws) fprintf(f, " &middot; %s", flaws);
    fputs("</div></li>\n", f);
}

static void put_found(page *p, const found *one)
{
    FILE *f = p->f;
    char flaws[64];
    quality_text(flaws, sizeof flaws, one->of->flaws);
    fputs("<section><div class=\"probe\">", f);
    page_image(p, one->of->thumbnail, one->of->thumbnail_size, "searched for");
    fputs("<div><h2>", f);
    page_text(p, page_last_part(one->of->label));
    fprintf(f, "</h2><p>%d %s</p>", one->count, one->count == 1 ? "face found" : "faces found");
    if (*flaws) fprintf(f, "<p class=\"note\">The face searched for is %s: trust this less.</p>", flaws);
    fputs("</div></div>\n<ol>\n", f);
    for (int i = 0; i < one->count; i++) put_hit(p, &one->hits[i], i + 1);
    fputs("</ol></section>\n", f);
}

cyg_status search_page_write(const char *path, const found *all, int count, float threshold, bool overwrite,
                             cyg_error *err)
{
    page p;
    const cyg_status status = page_begin(&p, "Faces found", err);
    if (status) return status;
    fprintf(p.f, "<p class=\"note\">Cosines from %.3f on, best first. A cosine says how alike two pictures are, not "
                 "who is on them: look for yourself. This page holds pictures of people; keep it as safe as "
                 "them.</p>\n", (double)threshold);
    for (int i = 0; i < count; i++) put_found(&p, &all[i]);
    return page_end(&p, path, true, overwrite, err);
}
