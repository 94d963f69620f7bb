/* faces_models.h - the networks that a verb looks with, and their settings. */
#ifndef FACES_MODELS_H
#define FACES_MODELS_H

#include "faces.h"
#include "pipeline.h"

typedef struct models_settings {
    const char *detector, *describer, *isa, *precision, *describer_precision;
    double      threshold;
    bool        tiles;
} models_settings;

/* Rows of an option table, for a settings struct with a models_settings in it. */
#define MODELS_ROWS(type, member) \
    { "detect.model", "model", 'm', OPTION_TEXT, offsetof(type, member.detector), "face-ssd-mobilenet-v1", 0, 0, NULL, \
      "NAME", "model that finds faces: its name, or a .safetensors file" }, \
    { "detect.threshold", NULL, 0, OPTION_REAL, offsetof(type, member.threshold), "0.3", 0.001, 0.999, NULL, "SCORE", \
      "keep faces that score above this" }, \
    { "detect.tiles", "tiles", 0, OPTION_FLAG, offsetof(type, member.tiles), "false", 0, 0, NULL, NULL, \
      "also look at overlapping parts, for small faces in a crowd: slow" }, \
    { "detect.isa", NULL, 0, OPTION_TEXT, offsetof(type, member.isa), NULL, 0, 0, NULL, "NAME", \
      "instruction set: ref, sse2, avx2, avx512, neon; default the best of this CPU" }, \
    { "detect.precision", "precision", 0, OPTION_TEXT, offsetof(type, member.precision), "f32", 0, 0, NULL, "NAME", \
      "numbers of the network that finds faces: f32, bf16, i8, or auto: the fastest measured to give its answers " \
      "in f32" }, \
    { "describe.precision", NULL, 0, OPTION_TEXT, offsetof(type, member.describer_precision), "f32", 0, 0, NULL, \
      "NAME", "numbers of the network that makes embeddings; a gallery holds those of one kind alone" }, \
    { "describe.model", "describer", 0, OPTION_TEXT, offsetof(type, member.describer), "faceres", 0, 0, NULL, "NAME", \
      "model that makes embeddings of faces" }

typedef struct models {
    pipeline_models *shared;
    pipeline        *first;             /* one for the calling thread */
    gallery_recipe   recipe;            /* what its embeddings are like; lives as long as shared */
} models;

/* Opens both networks. CYG_NOT_FOUND, CYG_FORMAT, ...: exit with FACES_MODEL. models_close in every case. */
CYG_MUST_USE cyg_status models_open(models *out, const models_settings *s, cyg_error *err);
void models_close(models *m);

/* The cosine from which two faces are taken for one person: the wanted one, or if that is NAN, what the
 * false-match rate stands for on the model's curve. CYG_ARGUMENT: it was not measured down to there. */
CYG_MUST_USE cyg_status models_threshold(float *out, const models *m, double cosine, double false_match,
                                         cyg_error *err);

#endif
