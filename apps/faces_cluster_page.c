/* faces_cluster_page.c - the page of the people that a clustering found. */
#include "faces_cluster.h"
#include "faces_page.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_PEOPLE = 500 };             /* a page of more is too large for a phone */

static int by_faces(const void *a, const void *b)
{
    const grouped *x = a, *y = b;
    if (x->faces != y->faces) return y->faces - x->faces;
    return (x->person > y->person) - (x->person < y->person);
}

static bool put_face(void *context, const gallery_face *f, const char *path)
{
    page *p = context;
    fputs("<li>", p->f);
    page_image(p, f->thumbnail, f->thumbnail_size, page_last_part(path));
    page_file(p, path);
    fputs("<div class=\"small\">", p->f);
    if (f->track >= 0) {
        page_time(p, f->t1);
        fputs(" &ndash; ", p->f);
        page_time(p, f->t2);
        fputs(" &middot; ", p->f);
    }
    fprintf(p->f, "face:%lld</div></li>\n", (long long)f->id);
    return true;
}

static cyg_status put_person(page *p, gallery *g, const grouped *k, cyg_error *err)
{
    cyg_status status = CYG_OK;
    char *name = k->person ? person_name(g, k->person) : NULL;
    fputs("<section><h2>", p->f);
    if (name && *name) page_text(p, name);
    else if (k->person) fprintf(p->f, "person:%lld", (long long)k->person);
    else fputs("Somebody new", p->f);
    fprintf(p->f, "</h2>\n<p class=\"small\">%d %s", k->faces, k->faces == 1 ? "face" : "faces");
    if (k->fresh && k->fresh < k->faces) fprintf(p->f, ", %d of them new", k->fresh);
    if (name && *name) fprintf(p->f, " &middot; person:%lld", (long long)k->person);
    if (k->faces > k->shown_count) fprintf(p->f, " &middot; the %d clearest are shown", k->shown_count);
    fputs("</p>\n<ol class=\"many\">\n", p->f);
    for (int i = 0; i < k->shown_count && !status; i++) {
        const gallery_filter one = { .face = k->shown[i] };
        status = gallery_each_face(g, &one, GALLERY_THUMBNAILS, put_face, p, err);
    }
    fputs("</ol></section>\n", p->f);
    free(name);
    return status;
}

static void put_introduction(page *p, const grouping *found)
{
    int fresh = 0;
    for (int i = 0; i < found->count; i++) fresh += found->people[i].fresh;
    fprintf(p->f, "<p>%d %s", found->count, found->count == 1 ? "person" : "people");
    if (fresh) fprintf(p->f, ", %d new %s", fresh, fresh == 1 ? "face" : "faces");
    if (found->alone) fprintf(p->f, "; %d %s of nobody", found->alone, found->alone == 1 ? "face" : "faces");
    fputs(".</p>\n", p->f);
    fputs("<p class=\"note\">", p->f);
    if (found->dry_run) fputs("Only tried: nothing of this is kept. ", p->f);
    else fputs("Who is who: <code>cygnet-faces name GALLERY NAME person:NUMBER</code>; who is not: "
               "<code>cygnet-faces name --not GALLERY NAME face:NUMBER</code>. ", p->f);
    fputs("Grouped by how alike faces are, so look for yourself. This page holds pictures of people; keep it as safe "
          "as them.</p>\n", p->f);
    if (found->count > MOST_PEOPLE) fprintf(p->f, "<p class=\"note\">The first %d are shown.</p>\n", MOST_PEOPLE);
}

cyg_status cluster_page_write(const char *path, gallery *g, const grouping *found, bool overwrite, cyg_error *err)
{
    page p;
    cyg_status status = page_begin(&p, "People found", err);
    if (status) return status;
    if (found->count) qsort(found->people, (size_t)found->count, sizeof *found->people, by_faces);
    put_introduction(&p, found);
    for (int i = 0; i < found->count && i < MOST_PEOPLE && !status; i++)
        status = put_person(&p, g, &found->people[i], err);
    const cyg_status written = page_end(&p, path, !status, overwrite, status ? NULL : err);
    return status ? status : written;
}
