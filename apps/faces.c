/* faces.c - cygnet-faces: who is in which photo and video. */
#include "faces.h"
#include "text.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const options_app *const apps[] = {
    &index_app, &enroll_app, &search_app, &verify_app, &calibrate_app,
    &list_app, &name_app, &cluster_app, &dedupe_app, &remove_app, &purge_app,
    &check_app, &stats_app, &export_app, NULL,
};
static int (*const runs[])(int argc, char **argv) = {
    index_run, enroll_run, search_run, verify_run, calibrate_run,
    list_run, name_run, cluster_run, dedupe_run, remove_run, purge_run,
    check_run, stats_run, export_run,
};

_Static_assert(sizeof apps / sizeof *apps == sizeof runs / sizeof *runs + 1, "a verb is a line in both");

/* ---- Errors -------------------------------------------------------------------------- */

int faces_complain(int code, const cyg_error *err)
{
    char shown[sizeof err->message * TEXT_GROWTH];
    text_clean(shown, sizeof shown, err->message, TEXT_TERMINAL);
    fprintf(stderr, "cygnet-faces: %s\n", shown);
    return code;
}

int faces_gallery_code(cyg_status status)
{
    switch (status) {
    case CYG_OK: return FACES_DONE;
    case CYG_ARGUMENT: case CYG_NOT_FOUND: return FACES_USAGE;
    case CYG_FORMAT: case CYG_UNSUPPORTED: return FACES_GALLERY;
    case CYG_BUSY: return FACES_BUSY;
    default: return FACES_OUTPUT;
    }
}

int faces_gallery_failed(const cyg_error *err)
{
    return faces_complain(faces_gallery_code(err->status), err);
}

/* ---- The command line ------------------------------------------------------------------ */

bool verb_begin(verb *v, const options_app *app, void *settings, int argc, char **argv, int least, int most)
{
    cyg_error err;
    *v = (verb){ .code = FACES_DONE };
    const cyg_status status = options_read(&v->options, app, settings, argc, argv, &err);
    if (status == CYG_END) return false;
    if (status) {
        v->code = faces_complain(FACES_USAGE, &err);
        return false;
    }
    v->count = options_words(v->options, &v->words);
    if (v->count >= least && (most < 0 || v->count <= most)) return true;
    cyg_fail(&err, CYG_ARGUMENT, "found %d words, expected %s %s; see %s --help", v->count, app->name,
             app->usage,
             app->name);
    v->code = faces_complain(FACES_USAGE, &err);
    options_free(v->options);
    return false;
}

void verb_end(verb *v)
{
    options_free(v->options);
}

/* ---- Words ------------------------------------------------------------------------------- */

static bool number(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    const intmax_t value = strtoimax(text, &end, 10);
    *out = value;
    return *text >= '0' && *text <= '9' && !*end && !errno && value > 0;
}

static bool take_id(void *context, const gallery_face *face, const char *path)
{
    *(int64_t *)context = face->id;
    return false;
}

static cyg_status find_face(gallery *g, int64_t id, const char *word, cyg_error *err)
{
    int64_t found = 0;
    const gallery_filter one = { .face = id };
    const cyg_status status = gallery_each_face(g, &one, 0, take_id, &found, err);
    return status || found ? status : cyg_fail(err, CYG_NOT_FOUND, "%s: no such face in the gallery", word);
}

static cyg_status find_file(gallery *g, const char *path, int64_t *id, cyg_error *err)
{
    gallery_file file;
    cyg_status status = gallery_find_file(g, path, &file, err);
    char *real = status == CYG_NOT_FOUND ? realpath(path, NULL) : NULL;
    if (real) status = gallery_find_file(g, real, &file, err);
    free(real);
    if (!status) *id = file.id;
    return status;
}

cyg_status thing_find(thing *out, gallery *g, const char *word, cyg_error *err)
{
    if (!strncmp(word, "face:", 5) && number(word + 5, &out->id)) {
        out->kind = THING_FACE;
        return find_face(g, out->id, word, err);
    }
    if (!strncmp(word, "person:", 7) && word[7]) {
        out->kind = THING_PERSON;
        if (number(word + 7, &out->id)) return gallery_resolve_person(g, out->id, &out->id, err);
        return gallery_find_person(g, word + 7, &out->id, err);
    }
    if (!strncmp(word, "file:", 5) && word[5]) {
        out->kind = THING_FILE;
        return find_file(g, word + 5, &out->id, err);
    }
    return cyg_fail(err, CYG_ARGUMENT, "found \"%s\", expected face:NUMBER, person:NUMBER, person:NAME or file:PATH",
                    word);
}

/* ---- Beginning ------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    static const options_program program = {
        .name = "cygnet-faces",
        .summary = "find out who is in which photo and video, on this machine alone",
        .verbs = apps,
    };
    int which;
    cyg_error err;
    signal(SIGXFSZ, SIG_IGN);                           /* a file that may not grow is a failed write */
    const cyg_status status = options_verb(&which, &program, argc, argv, &err);
    if (status == CYG_END) return FACES_DONE;
    if (status) return faces_complain(FACES_USAGE, &err);
    const int code = runs[which](argc - 1, argv + 1);
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    cyg_fail(&err, CYG_IO, "standard output: cannot be written: %s", strerror(errno));
    return faces_complain(FACES_OUTPUT, &err);
}
