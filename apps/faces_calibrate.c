/* faces_calibrate.c - cygnet-faces calibrate: the threshold for a wanted rate of false matches, from one's own
 * pairs of photos, and how many pairs it takes to know.
 *
 * The threshold is the least at which the upper bound of the rate, not the rate that was counted, is what was
 * wanted. Nothing is kept: the answer is a number for --threshold, or settings for --config.
 */
#include "confidence.h"
#include "faces_pairs.h"
#include "file.h"
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    models_settings models;
    double          false_match, confidence;
    int             format, threads, progress;
    const char     *output;
    bool            overwrite;
} settings;

#define AT(field) offsetof(settings, field)
static const option table[] = {
    { NULL, "output", 'o', OPTION_TEXT, AT(output), NULL, 0, 0, NULL, "FILE",
      "write the threshold as settings, for --config of search and verify" },
    { "calibrate.false_match", "false-match", 0, OPTION_REAL, AT(false_match), "0.01", 1e-9, 0.5, NULL, "RATE",
      "let so many pairs of strangers pass at most: 0.01 is one pair of 100" },
    { "calibrate.confidence", "confidence", 0, OPTION_REAL, AT(confidence), "0.95", 0.5, 0.9999, NULL, "P",
      "how sure to be of that" },
    { "output.format", "format", 'f', OPTION_CHOICE, AT(format), "text", 0, 0, "text|jsonl", "FORM",
      "for people, or as one JSON object" },
    { "output.overwrite", "overwrite", 'y', OPTION_FLAG, AT(overwrite), "false", 0, 0, NULL, NULL,
      "replace settings that are there already" },
    { "run.threads", "threads", 'j', OPTION_INT, AT(threads), "0", 0, 256, NULL, "N",
      "photos at once; 0 is one a core" },
    { "run.progress", "progress", 0, OPTION_CHOICE, AT(progress), "auto", 0, 0, "auto|text|jsonl|none", "FORM",
      "how progress is told on standard error; auto is a bar on a terminal" },
    MODELS_ROWS(settings, models),
    { 0 },
};
#undef AT

const options_app calibrate_app = {
    .name = "cygnet-faces calibrate",
    .summary = "find the threshold for a wanted rate of false matches from labelled pairs of photos; a line of PAIRS "
               "is: PHOTO, PHOTO, same or different",
    .usage = "[options] PAIRS",
    .examples = "cygnet-faces calibrate pairs.csv\n"
                "cygnet-faces calibrate --false-match 0.001 -o mine.yaml pairs.csv\n"
                "cygnet-faces search --config mine.yaml people.cygnet ada.jpg",
    .exits = "0   done\n"
             "1   these pairs do not support such a threshold\n"
             "2   wrong usage or settings, or PAIRS is not of that form\n"
             "3   done, without the photos that have no face or cannot be read\n"
             "4   no pair has two faces\n"
             "5   a model is missing or damaged\n"
             "6   the settings could not be written",
    .table = table,
};

typedef struct calibration {
    float  *strangers, *same;           /* cosines, falling */
    int64_t stranger_count, same_count, left_out;
    float   threshold;
    int64_t false_count, true_count;    /* that reach it */
    double  false_upper, true_lower;    /* bounds of the rates */
    double  supported;                  /* the least rate that so many strangers can show */
    bool    found;
} calibration;

/* ---- Counting --------------------------------------------------------------------------- */

static int falling(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

static int64_t reaching(const float *cosines, int64_t count, float threshold)
{
    int64_t n = 0;
    while (n < count && cosines[n] >= threshold) n++;
    return n;
}

static cyg_status sort_pairs(calibration *c, const pairs *p, cyg_error *err)
{
    c->strangers = malloc(((size_t)p->count + 1) * sizeof *c->strangers);
    c->same = malloc(((size_t)p->count + 1) * sizeof *c->same);
    if (!c->strangers || !c->same) return cyg_fail(err, CYG_NO_MEMORY, "out of memory for so many pairs");
    for (int i = 0; i < p->count; i++) {
        const labelled *l = &p->list[i];
        if (!l->known) c->left_out++;
        else if (l->same) c->same[c->same_count++] = l->cosine;
        else c->strangers[c->stranger_count++] = l->cosine;
    }
    qsort(c->strangers, (size_t)c->stranger_count, sizeof *c->strangers, falling);
    qsort(c->same, (size_t)c->same_count, sizeof *c->same, falling);
    return CYG_OK;
}

/* How many strangers may reach the threshold so that the bound still holds; -1: not even none. */
static int64_t allowed(int64_t strangers, double rate, double confidence)
{
    int64_t low = -1, high = (int64_t)(rate * (double)strangers) + 1;
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (confidence_upper(middle, strangers, confidence) <= rate) low = middle;
        else high = middle;
    }
    return low;
}

static void calibrate(calibration *c, const settings *s)
{
    if (c->stranger_count == 0) return;
    c->supported = confidence_upper(0, c->stranger_count, s->confidence);
    const int64_t most = allowed(c->stranger_count, s->false_match, s->confidence);
    if (most < 0) return;
    const float next = c->strangers[most];              /* must not reach it; to four places, as it is shown */
    c->threshold = (float)((floor((double)next * 1e4) + 1) / 1e4);
    c->found = c->threshold <= 1;
    c->false_count = reaching(c->strangers, c->stranger_count, c->threshold);
    c->false_upper = confidence_upper(c->false_count, c->stranger_count, s->confidence);
    c->true_count = reaching(c->same, c->same_count, c->threshold);
    if (c->same_count) c->true_lower = confidence_lower(c->true_count, c->same_count, s->confidence);
}

/* ---- Telling --------------------------------------------------------------------------------- */

static void tell_unsupported(const calibration *c, const settings *s)
{
    const double needed = ceil(log1p(-s->confidence) / log1p(-s->false_match));
    if (c->stranger_count == 0)
        puts("no pair of strangers with two faces: nothing can be said of false matches");
    else if (s->false_match < c->supported)
        printf("no threshold: %lld pairs of strangers show a rate of %.2g at best, with %g %% confidence, not %g; that "
               "takes %.0f pairs at least\n", (long long)c->stranger_count, c->supported, 100 * s->confidence,
               s->false_match, needed);
    else
        puts("no threshold: too many pairs that are labelled as strangers are the same picture");
}

static void tell(const calibration *c, const settings *s, const pairs *p, const models *m)
{
    float own;
    printf("%lld pairs of one person, %lld of strangers, of %d photos", (long long)c->same_count,
           (long long)c->stranger_count, p->photo_count);
    if (c->left_out) printf("; %lld pairs left out", (long long)c->left_out);
    putchar('\n');
    if (!c->found) {
        tell_unsupported(c, s);
        return;
    }
    printf("threshold %.4f, for a false-match rate of at most %g\n", (double)c->threshold, s->false_match);
    printf("  strangers that reach it:   %lld of %lld = %.2g; the rate is below %.2g with %g %% confidence\n",
           (long long)c->false_count, (long long)c->stranger_count,
           (double)c->false_count / (double)c->stranger_count, c->false_upper, 100 * s->confidence);
    if (c->same_count)
        printf("  of one person that do:     %lld of %lld = %.3f; the rate is above %.3f with %g %% confidence\n",
               (long long)c->true_count, (long long)c->same_count, (double)c->true_count / (double)c->same_count,
               c->true_lower, 100 * s->confidence);
    if (cyg_head_threshold(pipeline_embedding(m->first), (float)s->false_match, &own))
        printf("  the model's own curve:     %.4f for this rate\n", (double)own);
    if (p->photo_count < 2 * p->count)
        puts("  Some photos are in several pairs. Such pairs depend on each other: be less sure than that.");
    printf("To use it: --threshold %.4f%s\n", (double)c->threshold,
           s->output ? ", or --config with the file written" : ", or write settings with -o");
}

static void tell_json(const calibration *c, const settings *s, const pairs *p)
{
    json_t *o = json_pack("{ss sf sf sb sI sI sI si sf}", "type", "calibration", "false_match", s->false_match,
        "confidence", s->confidence, "found", c->found, "same_pairs", (json_int_t)c->same_count, "stranger_pairs",
        (json_int_t)c->stranger_count, "left_out", (json_int_t)c->left_out, "photos", p->photo_count,
        "supported_rate", c->supported);
    if (o && c->found) {
        json_object_set_new(o, "threshold", json_real(round((double)c->threshold * 1e4) / 1e4));
        json_object_set_new(o, "false_matches", json_integer(c->false_count));
        json_object_set_new(o, "false_match_upper", json_real(c->false_upper));
        json_object_set_new(o, "true_matches", json_integer(c->true_count));
        json_object_set_new(o, "true_match_lower", json_real(c->true_lower));
    }
    print_json(o);
}

static cyg_status write_settings(const calibration *c, const settings *s, cyg_error *err)
{
    char text[400];
    const int size = snprintf(text, sizeof text, "# At most %g of strangers pass, with %g %% confidence: %lld of %lld "
        "pairs of strangers did,\n# and %lld of %lld pairs of one person.\nsearch:\n  threshold: %.4f\n",
        s->false_match, 100 * s->confidence, (long long)c->false_count, (long long)c->stranger_count,
        (long long)c->true_count, (long long)c->same_count, (double)c->threshold);
    return file_write(s->output, text, (size_t)size, s->overwrite, err);
}

/* ---- The verb ---------------------------------------------------------------------------------- */

static void say(const char *sentence)
{
    cyg_error err;
    cyg_fail(&err, CYG_NOT_FOUND, "%s", sentence);
    faces_complain(0, &err);
}

static int run(const settings *s, pairs *p, models *m, logger *log)
{
    cyg_error err;
    progress shown;
    calibration c = { 0 };
    int code = FACES_OUTPUT;
    progress_init(&shown, log, (progress_mode)s->progress, 1);
    shown.unit = "photos";
    shown.thing = "faces";
    progress_begin(&shown, 0, "pairs", p->photo_count);
    cyg_status status = pairs_compare(p, m, s->threads, &shown, say, &err);
    progress_end(&shown);
    if (!status) status = sort_pairs(&c, p, &err);
    if (!status) {
        calibrate(&c, s);
        if (s->format == FORMAT_JSONL) tell_json(&c, s, p);
        else tell(&c, s, p, m);
        code = c.left_out == p->count ? FACES_ALL_FAILED : !c.found ? FACES_NO
             : c.left_out ? FACES_SOME_FAILED : FACES_DONE;
        if (c.found && s->output) status = write_settings(&c, s, &err);
    }
    free(c.strangers);
    free(c.same);
    return status ? faces_complain(FACES_OUTPUT, &err) : code;
}

static cyg_status read_pairs(pairs *out, const char *path, cyg_error *err)
{
    FILE *f = fopen(path, "re");
    if (!f) return cyg_fail(err, CYG_IO, "%s: cannot be read: %s", path, strerror(errno));
    const cyg_status status = pairs_read(out, f, path, err);
    fclose(f);
    return status;
}

int calibrate_run(int argc, char **argv)
{
    verb v;
    settings s;
    cyg_error err;
    pairs p = { 0 };
    models m = { 0 };
    int code;
    if (!verb_begin(&v, &calibrate_app, &s, argc, argv, 1, 1)) return v.code;
    logger *log = log_create("cygnet-faces", LOG_NOTE, s.progress == PROGRESS_JSONL);
    if (!log) code = faces_complain(FACES_OUTPUT, &(cyg_error){ CYG_NO_MEMORY, "out of memory" });
    else if (read_pairs(&p, v.words[0], &err)) code = faces_complain(FACES_USAGE, &err);
    else if (models_open(&m, &s.models, &err)) code = faces_complain(FACES_MODEL, &err);
    else code = run(&s, &p, &m, log);
    models_close(&m);
    pairs_free(&p);
    log_free(log);
    verb_end(&v);
    return code;
}
