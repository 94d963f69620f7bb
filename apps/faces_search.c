/* faces_search.c - cygnet-faces search: where else is the person of these photos?
 *
 *     photos -> faces -> probes --gallery_search--> hits -> text, JSON Lines, CSV, a page
 */
#include "faces_search.h"
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    models_settings models;
    int             top, kind, format;
    double          threshold, false_match;
    const char     *face, *person, *html;
    bool            overwrite;
} settings;

#define AT(field) offsetof(settings, field)
static const option table[] = {
    { NULL, "face", 0, OPTION_TEXT, AT(face), "largest", 0, 0, NULL, "WHICH",
      "which face of a photo: largest, all (each by itself), or its number from the left" },
    { NULL, "person", 0, OPTION_TEXT, AT(person), NULL, 0, 0, NULL, "WHO",
      "only among faces of person NAME or NUMBER" },
    { NULL, "kind", 0, OPTION_CHOICE, AT(kind), "any", 0, 0, "any|photo|video", "KIND",
      "only in such files" },
    { NULL, "html", 0, OPTION_TEXT, AT(html), NULL, 0, 0, NULL, "FILE",
      "write a page with the faces as well" },
    { "search.top", "top", 'k', OPTION_INT, AT(top), "10", 1, 1000000, NULL, "K", "at most the K best" },
    { "search.false_match", "false-match", 0, OPTION_REAL, AT(false_match), "0.001", 1e-9, 1, NULL, "RATE",
      "accept what so many pairs of strangers reach: 0.001 is one pair of 1000" },
    { "search.threshold", "threshold", 't', OPTION_REAL, AT(threshold), NULL, -1, 1, NULL, "COSINE",
      "accept cosines from here on instead of those of --false-match" },
    { "output.format", "format", 'f', OPTION_CHOICE, AT(format), "text", 0, 0, "text|jsonl|csv", "FORM",
      "for people, or one JSON object a line, or CSV" },
    { "output.overwrite", "overwrite", 'y', OPTION_FLAG, AT(overwrite), "false", 0, 0, NULL, NULL,
      "replace a page that is there already" },
    MODELS_ROWS(settings, models),
    { 0 },
};
#undef AT

const options_app search_app = {
    .name = "cygnet-faces search",
    .summary = "find the person of one or several photos in a gallery",
    .usage = "[options] GALLERY PHOTO...",
    .examples = "cygnet-faces search people.cygnet me.jpg\n"
                "cygnet-faces search -k 50 --html found.html people.cygnet ada1.jpg ada2.jpg\n"
                "cygnet-faces search --face all --format jsonl people.cygnet group.jpg",
    .exits = "0   somebody was found\n"
             "1   nobody was\n"
             "2   wrong usage or settings\n"
             "3   some photos have no face or cannot be read; the others were searched for\n"
             "4   no photo has a face, or none can be read\n"
             "5   a model is missing or damaged\n"
             "6   the gallery cannot be read, or the page not be written\n"
             "7   the gallery is damaged, or of another model or version",
    .table = table,
};

typedef struct search {
    const settings *s;
    models          m;
    gallery        *g;
    probe          *probes;
    found          *founds;             /* [count], one for each probe */
    int             count, photos, failed;
    float           threshold;
} search;

/* ---- Probes ---------------------------------------------------------------------------- */

static int from_left(const void *a, const void *b)
{
    const float x = ((const gallery_face *)a)->box.x1, y = ((const gallery_face *)b)->box.x1;
    return (x > y) - (x < y);
}

/* The face that --face means; NULL: there is none of that number. */
static gallery_face *choose(looked *l, const char *which)
{
    if (l->count == 0) return NULL;
    qsort(l->faces, (size_t)l->count, sizeof *l->faces, from_left);
    if (strcmp(which, "largest")) {
        const long n = strtol(which, NULL, 10);
        return n >= 1 && n <= l->count ? &l->faces[n - 1] : NULL;
    }
    return looked_largest(l);
}

/* The probe takes over what the face owns. */
static cyg_status add_probe(search *j, gallery_face *f, const char *path, cyg_error *err)
{
    probe *more = realloc(j->probes, (size_t)(j->count + 1) * sizeof *more);
    if (more) j->probes = more;
    char *label = more ? strdup(path) : NULL;
    if (!label) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    j->probes[j->count++] = (probe){ label, (float *)(uintptr_t)f->embedding,
                                     (uint8_t *)(uintptr_t)f->thumbnail,
                                     f->thumbnail_size, f->flaws };
    f->embedding = NULL;
    f->thumbnail = NULL;
    return CYG_OK;
}

/* Unit lengths first, so that each photo counts the same. */
static void fuse(search *j, gallery_face *f)
{
    const int n = j->m.recipe.dimension;
    probe *p = &j->probes[0];
    float *sum = p->embedding;
    double own = 0, other = 0;
    for (int i = 0; i < n; i++) {
        own += (double)sum[i] * (double)sum[i];
        other += (double)f->embedding[i] * (double)f->embedding[i];
    }
    const float a = own > 0 ? (float)((j->photos - 1) / sqrt(own)) : 0, b = other > 0 ? (float)(1 / sqrt(other)) : 0;
    for (int i = 0; i < n; i++) sum[i] = a * sum[i] + b * f->embedding[i];
    char *label;
    if (asprintf(&label, "%d photos", j->photos) < 0) return;
    free(p->label);
    p->label = label;
    p->flaws &= f->flaws;
}

/* A photo that cannot be used is said and counted; only a lack of memory is an error. */
static cyg_status take_photo(search *j, const char *path, cyg_error *err)
{
    const look_options o = { .poor = true, .thumbnails = j->s->html != NULL, .step = 0.5 };
    looked l;
    cyg_status status = look_at(&l, j->m.first, path, &o, err);
    const bool all = !strcmp(j->s->face, "all");
    gallery_face *one = status || all ? NULL : choose(&l, j->s->face);
    if (!status && l.count == 0) status = cyg_fail(err, CYG_NOT_FOUND, "%s: no face in it", path);
    else if (!status && !all && !one) status = cyg_fail(err, CYG_NOT_FOUND, "%s: has %d faces, no number %s",
                                                        path, l.count,
                                                        j->s->face);
    if (status) {
        faces_complain(0, err);
        looked_free(&l);
        j->failed++;
        return status == CYG_NO_MEMORY ? status : CYG_OK;
    }
    j->photos++;
    for (int i = 0; i < l.count && all && !status; i++) status = add_probe(j, &l.faces[i], path, err);
    if (one && j->count) fuse(j, one);
    else if (one) status = add_probe(j, one, path, err);
    looked_free(&l);
    return status;
}

/* ---- Hits --------------------------------------------------------------------------------- */

typedef struct filling { search *j; hit *h; } filling;

static bool fill_hit(void *context, const gallery_face *f, const char *path)
{
    hit *h = ((filling *)context)->h;
    h->face = *f;
    h->face.embedding = NULL;
    h->face.thumbnail = NULL;
    if (f->thumbnail) {
        uint8_t *copy = malloc(f->thumbnail_size);
        if (copy) memcpy(copy, f->thumbnail, f->thumbnail_size);
        h->face.thumbnail = copy;
    }
    h->path = strdup(path);
    return false;
}

static bool fill_sum(void *context, const gallery_file *f)
{
    memcpy(((hit *)context)->sha256, f->sha256, sizeof f->sha256);
    return false;
}

static cyg_status describe_hit(search *j, hit *h, const gallery_match *match, cyg_error *err)
{
    filling f = { j, h };
    const gallery_filter one = { .face = match->face };
    cyg_status status = gallery_each_face(j->g, &one, j->s->html ? GALLERY_THUMBNAILS : 0, fill_hit, &f, err);
    const gallery_filter file = { .file = h->face.file };
    if (!status && h->path) status = gallery_each_file(j->g, &file, fill_sum, h, err);
    h->cosine = match->cosine;
    h->name = person_name(j->g, h->face.person);
    h->rated = cyg_head_false_match(pipeline_embedding(j->m.first), match->cosine, &h->rate);
    return status;
}

static cyg_status find(search *j, int64_t person, found *out, cyg_error *err)
{
    int count = j->s->top;
    gallery_match *matches = malloc((size_t)count * sizeof *matches);
    out->hits = calloc((size_t)count, sizeof *out->hits);
    if (!matches || !out->hits) {
        free(matches);
        return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    }
    const gallery_query q = { .probe = out->of->embedding, .threshold = j->threshold, .person = person,
                              .kind = (gallery_kind)j->s->kind };
    cyg_status status = gallery_search(j->g, &q, matches, &count, err);
    for (int i = 0; i < count && !status; i++) {
        status = describe_hit(j, &out->hits[out->count], &matches[i], err);
        out->count += out->hits[out->count].path != NULL;      /* else it was deleted in the meantime */
    }
    free(matches);
    return status;
}

static cyg_status find_all(search *j, cyg_error *err)
{
    thing who = { .id = 0 };
    char word[300];
    snprintf(word, sizeof word, "person:%s", j->s->person ? j->s->person : "");
    cyg_status status = j->s->person ? thing_find(&who, j->g, word, err) : CYG_OK;
    j->founds = calloc((size_t)j->count, sizeof *j->founds);
    if (!j->founds) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    for (int i = 0; i < j->count && !status; i++) {
        j->founds[i].of = &j->probes[i];
        status = find(j, who.id, &j->founds[i], err);
    }
    return status;
}

/* ---- Showing ------------------------------------------------------------------------------- */

void rate_text(char out[80], const hit *h)
{
    *out = 0;
    if (h->rated && h->rate.rate > 0)
        snprintf(out, 80, "%sone stranger in %.0f", h->rate.below ? "fewer than " : "",
                 1 / (double)h->rate.rate);
}

static void show_text(const hit *h, int rank)
{
    char rate[80];
    rate_text(rate, h);
    printf("%3d  cosine %.3f  ", rank, (double)h->cosine);
    if (*rate) printf("(%s)  ", rate);
    if (h->name && *h->name) {
        say_text(h->name);
        fputs("  ", stdout);
    }
    say_text(h->path);
    if (h->face.track >= 0) printf("  %.1f-%.1f s", h->face.t1, h->face.t2);
    printf("  face:%lld\n", (long long)h->face.id);
}

static void show_json(const probe *p, const hit *h, int rank)
{
    json_t *o = json_pack("{ss so si sf so* sI so so ss s[ff] s[ffff] sf}", "type", "match", "probe",
                          json_text(p->label),
                          "rank", rank, "cosine", (double)h->cosine, "name",
                          h->name && *h->name ? json_text(h->name) : NULL, "face", (json_int_t)h->face.id, "person",
                          h->face.person ? json_integer(h->face.person) : json_null(), "path", json_text(h->path),
                          "sha256", h->sha256, "t", h->face.t1, h->face.t2, "box", (double)h->face.box.x1,
                          (double)h->face.box.y1, (double)h->face.box.x2, (double)h->face.box.y2, "quality",
                          (double)h->face.quality);
    if (h->rated) {
        json_object_set_new(o, "false_match_rate", json_real((double)h->rate.rate));
        json_object_set_new(o, "false_match_below", json_boolean(h->rate.below));
    }
    print_json(o);
}

static void show_csv(const probe *p, const hit *h, int rank)
{
    csv_field(p->label);
    printf(",%d,%.6f,", rank, (double)h->cosine);
    if (h->rated) printf("%.3g", (double)h->rate.rate);
    printf(",%lld,%lld,", (long long)h->face.id, (long long)h->face.person);
    csv_field(h->name ? h->name : "");
    putchar(',');
    csv_field(h->path);
    printf(",%s,%.3f,%.3f,%.1f,%.1f,%.1f,%.1f,%.3f\n", h->sha256, h->face.t1, h->face.t2,
           (double)h->face.box.x1,
           (double)h->face.box.y1, (double)h->face.box.x2, (double)h->face.box.y2, (double)h->face.quality);
}

static int show(const search *j)
{
    int hits = 0;
    if (j->s->format == FORMAT_CSV)
        puts("probe,rank,cosine,false_match_rate,face,person,name,path,sha256,t1,t2,x1,y1,x2,y2,quality");
    for (int i = 0; i < j->count; i++) {
        const found *f = &j->founds[i];
        if (j->s->format == FORMAT_TEXT && j->count > 1) {
            say_text(f->of->label);
            printf(", face %d\n", i + 1);
        }
        for (int k = 0; k < f->count; k++) {
            if (j->s->format == FORMAT_JSONL) show_json(f->of, &f->hits[k], k + 1);
            else if (j->s->format == FORMAT_CSV) show_csv(f->of, &f->hits[k], k + 1);
            else show_text(&f->hits[k], k + 1);
        }
        if (f->of->flaws && j->s->format == FORMAT_TEXT) {
            char flaws[64];
            quality_text(flaws, sizeof flaws, f->of->flaws);
            printf("     (the face searched for is %s: trust this less)\n", flaws);
        }
        hits += f->count;
    }
    return hits;
}

/* ---- The verb -------------------------------------------------------------------------------- */

static void free_search(search *j)
{
    for (int i = 0; i < j->count; i++) {
        for (int k = 0; j->founds && k < j->founds[i].count; k++) {
            hit *h = &j->founds[i].hits[k];
            free((void *)(uintptr_t)h->face.thumbnail);
            free(h->path);
            free(h->name);
        }
        if (j->founds) free(j->founds[i].hits);
        free(j->probes[i].label);
        free(j->probes[i].embedding);
        free(j->probes[i].thumbnail);
    }
    free(j->founds);
    free(j->probes);
    gallery_close(j->g);
    models_close(&j->m);
}

static int run(search *j, const char *const *words, int count)
{
    cyg_error err;
    if (models_open(&j->m, &j->s->models, &err)) return faces_complain(FACES_MODEL, &err);
    if (models_threshold(&j->threshold, &j->m, j->s->threshold, j->s->false_match, &err))
        return faces_complain(FACES_USAGE, &err);
    if (gallery_open(&j->g, words[0], GALLERY_READ, &j->m.recipe, 0, &err)) return faces_gallery_failed(&err);
    for (int i = 1; i < count; i++)
        if (take_photo(j, words[i], &err)) return faces_complain(FACES_OUTPUT, &err);
    if (j->count == 0) return FACES_ALL_FAILED;
    if (find_all(j, &err)) return faces_gallery_failed(&err);
    const int hits = show(j);
    if (j->s->html && search_page_write(j->s->html, j->founds, j->count, j->threshold, j->s->overwrite, &err))
        return faces_complain(FACES_OUTPUT, &err);
    return j->failed ? FACES_SOME_FAILED : hits ? FACES_DONE : FACES_NO;
}

static bool good_choice(const char *face, cyg_error *err)
{
    char *end;
    const long n = strtol(face, &end, 10);
    if (!strcmp(face, "largest") || !strcmp(face, "all") || (n >= 1 && n < 1000 && !*end)) return true;
    cyg_fail(err, CYG_ARGUMENT, "--face: found \"%s\", expected largest, all or a number from 1", face);
    return false;
}

int search_run(int argc, char **argv)
{
    verb v;
    settings s;
    cyg_error err;
    if (!verb_begin(&v, &search_app, &s, argc, argv, 2, -1)) return v.code;
    search j = { .s = &s };
    const int code = good_choice(s.face, &err) ? run(&j, v.words, v.count)
                                               : faces_complain(FACES_USAGE, &err);
    free_search(&j);
    verb_end(&v);
    return code;
}
