/* faces_verify.c - cygnet-faces verify: are two photos of the same person? */
#include "faces_search.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    models_settings models;
    double          threshold, false_match;
    int             format;
} settings;

#define AT(field) offsetof(settings, field)
static const option table[] = {
    { "search.false_match", "false-match", 0, OPTION_REAL, AT(false_match), "0.001", 1e-9, 1, NULL, "RATE",
      "say yes to what so many pairs of strangers reach: 0.001 is one pair of 1000" },
    { "search.threshold", "threshold", 't', OPTION_REAL, AT(threshold), NULL, -1, 1, NULL, "COSINE",
      "say yes to cosines from here on instead of those of --false-match" },
    { "output.format", "format", 'f', OPTION_CHOICE, AT(format), "text", 0, 0, "text|jsonl", "FORM",
      "for people, or as one JSON object" },
    MODELS_ROWS(settings, models),
    { 0 },
};
#undef AT

const options_app verify_app = {
    .name = "cygnet-faces verify",
    .summary = "say whether the largest faces of two photos are of the same person",
    .usage = "[options] PHOTO PHOTO",
    .examples = "cygnet-faces verify passport.jpg webcam.jpg\n"
                "cygnet-faces verify --false-match 0.0001 a.jpg b.jpg\n"
                "cygnet-faces verify --format jsonl a.jpg b.jpg",
    .exits = "0   yes\n"
             "1   no\n"
             "2   wrong usage or settings\n"
             "4   a photo has no face, or cannot be read\n"
             "5   a model is missing or damaged",
    .table = table,
};

/* The largest face of a photo. CYG_NOT_FOUND: there is none. */
static cyg_status look(looked *out, const gallery_face **face, models *m, const char *path, cyg_error *err)
{
    const look_options o = { .poor = true, .step = 0.5 };
    const cyg_status status = look_at(out, m->first, path, &o, err);
    if (status) return status;
    *face = looked_largest(out);
    return *face ? CYG_OK : cyg_fail(err, CYG_NOT_FOUND, "%s: no face in it", path);
}

static void show(const hit *h, float threshold, bool yes, const gallery_face *const face[2], int format)
{
    char rate[80], flaws[64];
    rate_text(rate, h);
    if (format == FORMAT_JSONL) {
        json_t *o = json_pack("{ss sb sf sf}", "type", "verify", "same", yes, "cosine", (double)h->cosine,
                              "threshold",
                              (double)threshold);
        if (h->rated) {
            json_object_set_new(o, "false_match_rate", json_real((double)h->rate.rate));
            json_object_set_new(o, "false_match_below", json_boolean(h->rate.below));
        }
        print_json(o);
        return;
    }
    printf("%s: cosine %.3f, yes from %.3f on", yes ? "yes" : "no", (double)h->cosine, (double)threshold);
    if (*rate) printf("; %s looks so much alike", rate);
    putchar('\n');
    for (int i = 0; i < 2; i++) {
        quality_text(flaws, sizeof flaws, face[i]->flaws);
        if (*flaws) printf("(the face of photo %d is %s: trust this less)\n", i + 1, flaws);
    }
}

static int compare(models *m, const settings *s, const char *const *words)
{
    cyg_error err;
    looked l[2];
    memset(l, 0, sizeof l);
    const gallery_face *face[2];
    float threshold;
    int code = FACES_DONE;
    if (models_threshold(&threshold, m, s->threshold, s->false_match, &err)) return faces_complain(FACES_USAGE, &err);
    for (int i = 0; i < 2 && !code; i++)
        if (look(&l[i], &face[i], m, words[i], &err)) code = faces_complain(FACES_ALL_FAILED, &err);
    if (!code) {
        hit h = { .cosine = cyg_cosine(face[0]->embedding, face[1]->embedding, m->recipe.dimension) };
        h.rated = cyg_head_false_match(pipeline_embedding(m->first), h.cosine, &h.rate);
        code = h.cosine >= threshold ? FACES_DONE : FACES_NO;
        show(&h, threshold, code == FACES_DONE, face, s->format);
    }
    looked_free(&l[0]);
    looked_free(&l[1]);
    return code;
}

int verify_run(int argc, char **argv)
{
    verb v;
    settings s;
    cyg_error err;
    models m;
    if (!verb_begin(&v, &verify_app, &s, argc, argv, 2, 2)) return v.code;
    const int code = models_open(&m, &s.models, &err) ? faces_complain(FACES_MODEL, &err) : compare(&m, &s,
        v.words);
    models_close(&m);
    verb_end(&v);
    return code;
}
