/* gallery_made.h - what tests of the gallery share: a folder for each test, and made-up files for its gallery. */
#ifndef GALLERY_MADE_H
#define GALLERY_MADE_H

#include "gallery.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { DIMENSION = 64 };

extern const gallery_recipe recipe;
extern char folder[64], path[80];       /* of this test; the gallery in it */
extern cyg_error err;

/* A test that begins with an empty folder, and leaves none. */
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
int make_folder(void **state);
int remove_folder(void **state);

#define must(call) assert_must((call), #call)
void assert_must(cyg_status status, const char *call);

gallery *opened(gallery_mode mode);
void remove_gallery(void);
void assert_private(void);
/* As the format keeps a number: of |value| in 2^-14 .. 1; the test's own. */
uint16_t half(double value);

/* ---- Synthetic files: everything about file i follows from i and its version ----------------- */

enum { MOST_FACES = 4, THUMBNAIL = 300 };

typedef struct synthetic {
    gallery_file file;
    gallery_face faces[MOST_FACES];
    int          count;
    char         name[64];
    float        embeddings[MOST_FACES][DIMENSION];
    uint8_t      thumbnails[MOST_FACES][THUMBNAIL];
} synthetic;

uint32_t mix(uint32_t x);
void embedding_of(float *out, int file, int face);
void make(synthetic *s, int i, int version);
void put(gallery *g, int i, int version);
/* The gallery has it as it was put. */
void assert_file(gallery *g, int i, int version);

typedef struct seen {
    int       count;
    synthetic want;
    bool      whole;
} seen;

/* Compares the faces of s->want, one a call. */
bool see_face(void *s, const gallery_face *f, const char *name);

#endif
