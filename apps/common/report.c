/* report.c - records as JSON Lines ("cygnet.records/1") and as CSV.
 *
 * header   schema, tool, source {path, sha256, bytes}, width, height (upright pixels),
 *          rotation (degrees clockwise that were applied), time_base "num/den", frame_rate
 *          "num/den", codec, models [{role detect|describe, name, sha256}], isa, precision (f32, bf16
 *          or i8: the detector's), settings (all of them).
 *          What is not known is null.
 * frame    n (decoded frames from 0), pts (in time_base), t (seconds from the source's
 *          start), objects [{track, class, score 0..1, box [x1, y1, x2, y2], src, attributes,
 *          name, points}]. Boxes are pixels of the upright picture, not clipped. track: the object's
 *          number, the same from frame to frame, from 1; absent without one. src: "detect" found
 *          in this very frame, "fill" between two frames that it was found in (without tracks:
 *          carried over from the last analysed one), "track" where its track expects it, "edit".
 *          attributes {name: {label, probability} or {value, deviation, unit}}, smoothed over
 *          the track so far, and name: absent if not known. cosine: how alike the face is to that person's
 *          nearest in the gallery; false_match 0..1: how often two strangers are at least that, as measured.
 *          points {name: [x, y, score 0..1]}: of heads that find key points, pixels like the box.
 * track    track, class, first and last (n), from and to (t), frames (that have it), score (its
 *          highest), attributes, name, cosine, false_match: as above, at its end; written soon after it.
 * error    stage, t (null: before the first frame), code (cyg_status in small letters), message.
 * summary  frames, objects, tracks, damaged (packets or frames lost in decoding), errors, seconds,
 *          fps, ms {decode, detect, track, describe, draw, encode} (mean a frame), interrupted, outputs [path].
 *
 * The type comes first in each line. Numbers are decimal with a point; NaN is never
 * written. Names that are not UTF-8 carry U+FFFD in place of what is wrong, and an URL's
 * password is masked.
 *
 * CSV has one row for each object: source, n, pts, t, class, score, x1, y1, x2, y2, src, track, name.
 */
#include "report.h"
#include "file.h"
#include "text.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct writer {
    void (*begin)(report *r, const report_header *h);
    void (*frame)(report *r, const frame *f);
    void (*track)(report *r, const appearance *a);
    void (*error)(report *r, const char *stage, const cyg_error *what, double t);
    void (*end)(report *r, const report_summary *s);
} writer;

struct report {
    FILE         *file;
    const writer *writer;
    char         *path, *part;      /* part NULL: stdout, or finished */
    char         *source;           /* as it is shown */
    int64_t       errors;
    bool          no_memory;
};

static const char *src_name(object_source src)
{
    switch (src) {
    case FROM_DETECT: return "detect";
    case FROM_TRACK: return "track";
    case FROM_FILL: return "fill";
    case FROM_EDIT: return "edit";
    }
    return "?";
}

/* ---- JSON Lines --------------------------------------------------------------- */

/* 15 digits are always enough for the decimals that `decimals` leaves. */
enum { JSON_FORM = JSON_COMPACT | JSON_REAL_PRECISION(15) };

/* Rounded to that many decimals; null where there is no number. */
static json_t *decimals(double value, int count)
{
    const double scale = pow(10, count);
    return isfinite(value) ? json_real(round(value * scale) / scale) : json_null();
}

static json_t *shown(const char *text)
{
    char *clean = text ? text_cleaned(text, TEXT_DATA) : NULL;
    json_t *value = clean ? json_string(clean) : json_null();
    free(clean);
    return value;
}

static json_t *ratio(int num, int den)
{
    return den ? json_sprintf("%d/%d", num, den) : json_null();
}

static void put_line(report *r, json_t *record)
{
    if (!record || json_dumpf(record, r->file, JSON_FORM) != 0) r->no_memory = !ferror(r->file);
    putc('\n', r->file);
    json_decref(record);
}

static void begin_json(report *r, const report_header *h)
{
    const video_info *v = h->video;
    json_t *bytes = h->source_bytes < 0 ? json_null() : json_integer(h->source_bytes);
    json_t *settings = h->settings ? json_loads(h->settings, 0, NULL) : NULL;
    json_t *models = json_pack("[{ss so so}]", "role", "detect", "name", shown(h->model),
                               "sha256", shown(h->model_sha256));
    if (h->describer)
        json_array_append_new(models, json_pack("{ss so so}", "role", "describe", "name", shown(h->describer),
                                                "sha256", shown(h->describer_sha256)));
    put_line(r, json_pack("{ss ss so s{so so so} so so so so so so so so so so}",
        "type", "header", "schema", "cygnet.records/1", "tool", json_sprintf("%s %s", h->tool, cyg_version()),
        "source", "path", shown(h->source), "sha256", shown(h->source_sha256), "bytes", bytes,
        "width", v ? json_integer(v->width) : json_null(), "height", v ? json_integer(v->height) : json_null(),
        "rotation", v ? json_integer(v->rotation) : json_null(),
        "time_base", v ? ratio(v->time_base_num, v->time_base_den) : json_null(),
        "frame_rate", v ? ratio(v->rate_num, v->rate_den) : json_null(), "codec", shown(v ? v->codec : NULL),
        "models", models,
        "isa", shown(h->isa), "precision", shown(h->precision), "settings", settings ? settings : json_null()));
}

/* {"nose": [x, y, score], ...} */
static json_t *points_json(const object *o)
{
    json_t *const points = json_object();
    for (int i = 0; i < o->skeleton->point_count; i++) {
        const cyg_key_point *p = &o->points[i];
        json_object_set_new(points, o->skeleton->points[i],
                            json_pack("[ooo]", decimals(p->x, 2), decimals(p->y, 2), decimals(p->score, 4)));
    }
    return points;
}

/* NULL without any. */
static json_t *attributes_json(const cyg_attribute *attributes, int count)
{
    json_t *all = count ? json_object() : NULL;
    for (int i = 0; i < count; i++) {
        const cyg_attribute *a = &attributes[i];
        json_object_set_new(all, a->name,
            a->label ? json_pack("{so so}", "label", shown(a->label),
                                 "probability", decimals((double)a->probability, 3))
                     : json_pack("{so so so}", "value", decimals((double)a->value, 2),
                                 "deviation", decimals((double)a->deviation, 2), "unit", shown(a->unit)));
    }
    return all;
}

static json_t *name_json(const char *name)
{
    return name[0] ? shown(name) : NULL;
}

/* NULL without a name. */
static json_t *likeness_json(const char *name, float value, int count)
{
    return name[0] && value != 0 ? decimals((double)value, count) : NULL;
}

static json_t *object_json(const object *o)
{
    return json_pack("{so* so so s[oooo] ss so* so* so* so* so*}",
        "track", o->track > 0 ? json_integer(o->track) : NULL,
        "class", shown(o->label_text), "score", decimals(o->score, 6),
        "box", decimals(o->box.x1, 2), decimals(o->box.y1, 2), decimals(o->box.x2, 2), decimals(o->box.y2, 2),
        "src", src_name(o->src), "attributes", attributes_json(o->attributes, o->attribute_count),
        "name", name_json(o->name), "cosine", likeness_json(o->name, o->cosine, 4),
        "false_match", likeness_json(o->name, o->false_match, 8), "points", o->skeleton ? points_json(o) : NULL);
}

static void frame_json(report *r, const frame *f)
{
    json_t *objects = json_array();
    for (int i = 0; i < f->object_count; i++) json_array_append_new(objects, object_json(&f->objects[i]));
    put_line(r, json_pack("{ss sI sI so so}", "type", "frame", "n", (json_int_t)f->number,
        "pts", (json_int_t)f->pts, "t", decimals(f->time, 6), "objects", objects));
}

static void track_json(report *r, const appearance *a)
{
    put_line(r, json_pack("{ss si so sI sI so so sI so so* so* so* so*}", "type", "track", "track", a->track,
        "class", shown(a->label_text), "first", (json_int_t)a->first, "last", (json_int_t)a->last,
        "from", decimals(a->from, 6), "to", decimals(a->to, 6), "frames", (json_int_t)a->frames,
        "score", decimals((double)a->score, 6), "attributes", attributes_json(a->attributes, a->attribute_count),
        "name", name_json(a->name), "cosine", likeness_json(a->name, a->cosine, 4),
        "false_match", likeness_json(a->name, a->false_match, 8)));
}

static void error_json(report *r, const char *stage, const cyg_error *what, double t)
{
    static const char *const codes[] = {
#define X(name, value, text) [-(value)] = #name,
        CYG_STATUS_MAP(X)
#undef X
    };
    char code[32];
    snprintf(code, sizeof code, "%s", codes[-what->status]);
    for (char *c = code; *c; c++) *c = (char)tolower((unsigned char)*c);
    put_line(r, json_pack("{ss ss so ss so}", "type", "error", "stage", stage, "t", decimals(t, 6),
        "code", code, "message", shown(what->message)));
}

static void end_json(report *r, const report_summary *s)
{
    json_t *outputs = json_array();
    if (s->output) json_array_append_new(outputs, shown(s->output));
    put_line(r, json_pack("{ss sI sI si sI sI so so s{so so so so so so} sb so}", "type", "summary",
        "frames", (json_int_t)s->frames, "objects", (json_int_t)s->objects, "tracks", s->tracks,
        "damaged", (json_int_t)s->damaged,
        "errors", (json_int_t)r->errors, "seconds", decimals(s->seconds, 3),
        "fps", decimals(s->seconds > 0 ? (double)s->frames / s->seconds : 0, 2),
        "ms", "decode", decimals(s->ms_decode, 3), "detect", decimals(s->ms_detect, 3),
        "track", decimals(s->ms_track, 3), "describe", decimals(s->ms_describe, 3),
        "draw", decimals(s->ms_draw, 3), "encode", decimals(s->ms_encode, 3),
        "interrupted", s->interrupted, "outputs", outputs));
}

/* ---- CSV (RFC 4180) ------------------------------------------------------------- */

static void put_quoted(report *r, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, r->file);
        return;
    }
    putc('"', r->file);
    for (; *text; text++) {
        if (*text == '"') putc('"', r->file);
        putc(*text, r->file);
    }
    putc('"', r->file);
}

/* Like JSON's: rounded, with a point whatever the locale; empty where there is no number. */
static void put_decimals(report *r, double value, int count)
{
    json_t *number = decimals(value, count);
    putc(',', r->file);
    if (json_is_real(number)) json_dumpf(number, r->file, JSON_FORM | JSON_ENCODE_ANY);
    json_decref(number);
}

static void begin_csv(report *r, const report_header *h)
{
    fputs("source,n,pts,t,class,score,x1,y1,x2,y2,src,track,name\n", r->file);
}

static void frame_csv(report *r, const frame *f)
{
    for (int i = 0; i < f->object_count; i++) {
        const object *o = &f->objects[i];
        put_quoted(r, r->source);
        fprintf(r->file, ",%lld,%lld", (long long)f->number, (long long)f->pts);
        put_decimals(r, f->time, 6);
        putc(',', r->file);
        put_quoted(r, o->label_text);
        put_decimals(r, o->score, 6);
        put_decimals(r, o->box.x1, 2);
        put_decimals(r, o->box.y1, 2);
        put_decimals(r, o->box.x2, 2);
        put_decimals(r, o->box.y2, 2);
        fprintf(r->file, ",%s,", src_name(o->src));
        if (o->track > 0) fprintf(r->file, "%d", o->track);
        putc(',', r->file);
        put_quoted(r, o->name);
        putc('\n', r->file);
    }
}

static void track_csv(report *r, const appearance *a) { }
static void error_csv(report *r, const char *stage, const cyg_error *what, double t) { }
static void end_csv(report *r, const report_summary *s) { }

static const writer writers[] = {
    [REPORT_JSONL] = { begin_json, frame_json, track_json, error_json, end_json },
    [REPORT_CSV] = { begin_csv, frame_csv, track_csv, error_csv, end_csv },
};

/* ---- the file -------------------------------------------------------------------- */

/* "folder/.NAME.part" */
static char *part_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    const int folder = slash ? (int)(slash + 1 - path) : 0;
    char *part;
    return asprintf(&part, "%.*s.%s.part", folder, path, path + folder) < 0 ? NULL : part;
}

static cyg_status open_part(report *r, cyg_error *err)
{
    int fd;
    const cyg_status status = file_open_part(&fd, r->part, r->path, err);
    if (status != CYG_OK) return status;
    if ((r->file = fdopen(fd, "w"))) return CYG_OK;
    const int why = errno;
    unlink(r->part);
    close(fd);
    return cyg_fail(err, CYG_IO, "cannot write %s: %s", r->path, strerror(why));
}

cyg_status report_open(report **out, const char *path, report_format format, cyg_error *err)
{
    *out = NULL;
    const bool to_stdout = strcmp(path, "-") == 0;
    report *r = calloc(1, sizeof *r);
    if (!r) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    r->writer = &writers[format];
    r->path = strdup(path);
    r->part = to_stdout ? NULL : part_path(path);
    cyg_status status = CYG_OK;
    if (!r->path || (!to_stdout && !r->part)) status = cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    else if (to_stdout) r->file = stdout;
    else status = open_part(r, err);
    if (status != CYG_OK) {
        free(r->path);
        free(r->part);
        free(r);
        return status;
    }
    *out = r;
    return CYG_OK;
}

static cyg_status flushed(report *r, cyg_error *err)
{
    if (r->no_memory) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", r->path);
    if (fflush(r->file) == 0 && !ferror(r->file)) return CYG_OK;
    return cyg_fail(err, CYG_IO, "cannot write %s: %s", r->part ? r->path : "to standard output", strerror(errno));
}

cyg_status report_begin(report *r, const report_header *h, cyg_error *err)
{
    free(r->source);
    r->errors = 0;
    r->source = text_cleaned(h->source, TEXT_DATA);
    if (!r->source) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", r->path);
    r->writer->begin(r, h);
    return flushed(r, err);
}

cyg_status report_frame(report *r, const frame *f, cyg_error *err)
{
    r->writer->frame(r, f);
    return flushed(r, err);
}

cyg_status report_track(report *r, const appearance *a, cyg_error *err)
{
    r->writer->track(r, a);
    return flushed(r, err);
}

cyg_status report_error(report *r, const char *stage, const cyg_error *what, double t, cyg_error *err)
{
    r->errors++;
    r->writer->error(r, stage, what, t);
    return flushed(r, err);
}

cyg_status report_end(report *r, const report_summary *s, cyg_error *err)
{
    r->writer->end(r, s);
    const cyg_status status = flushed(r, err);
    if (status == CYG_OK && r->part && fsync(fileno(r->file)) != 0)
        return cyg_fail(err, CYG_IO, "cannot write %s: %s", r->path, strerror(errno));
    return status;
}

cyg_status report_finish(report *r, cyg_error *err)
{
    if (!r->part) return CYG_OK;
    if (rename(r->part, r->path) != 0)
        return cyg_fail(err, CYG_IO, "cannot write %s: %s", r->path, strerror(errno));
    free(r->part);
    r->part = NULL;
    return CYG_OK;
}

void report_close(report *r)
{
    if (!r) return;
    if (r->part) unlink(r->part);
    if (r->file != stdout) fclose(r->file);
    free(r->source);
    free(r->path);
    free(r->part);
    free(r);
}

bool report_is_failure(const char *path)
{
    enum { MOST = 65536 };                  /* a file without frames is short */
    struct stat st;
    FILE *file = fopen(path, "re");
    if (!file) return false;
    bool header = false, frames = false;
    char *line = NULL;
    size_t capacity = 0;
    if (fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= MOST) {
        static const char begin[] = "{\"type\":\"header\",\"schema\":\"cygnet.records/", one[] = "{\"type\":\"frame\"";
        header = getline(&line, &capacity, file) > 0 && strncmp(line, begin, sizeof begin - 1) == 0;
        while (!frames && getline(&line, &capacity, file) > 0) frames = strncmp(line, one, sizeof one - 1) == 0;
    }
    free(line);
    fclose(file);
    return header && !frames;
}
