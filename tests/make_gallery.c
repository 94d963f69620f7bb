/* make_gallery.c - makes a small gallery for the scripts: made-up faces, hostile names.
 *
 *     make_gallery FOLDER
 *
 * Face 1: person "Ada" (named), file /nowhere/a.jpg; 2: person 2, nameless (grouped); 3: nobody,
 * in a file with a hostile name; 4: a video's track; /nowhere/broken.jpg failed. The thumbnail of
 * face i is a JPEG's first bytes and the text "thumbnail-of-face-i."; embeddings are powers of two,
 * so that face i's is found in a file as the half floats of 2^-1 ... in its own order.
 */
#include "gallery.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIMENSION = 8 };

static gallery *g;
static cyg_error err;

static void must(cyg_status status)
{
    if (!status) return;
    fprintf(stderr, "make_gallery: %s\n", err.message);
    exit(1);
}

static void put(const char *path, int number, int64_t person, gallery_how how, bool video, int64_t indexed_at)
{
    float embedding[DIMENSION];
    char thumbnail[64];
    for (int i = 0; i < DIMENSION; i++) embedding[i] = (i * number) % DIMENSION == 1 ? 1 : .01f * (float)(i + number);
    snprintf(thumbnail, sizeof thumbnail, "\xff\xd8\xff" "thumbnail-of-face-%d.", number);
    const gallery_face face = {
        .box = { 10, 20, 110, 140 }, .score = .9f, .quality = .5f,
        .flaws = number == 3 ? GALLERY_SMALL | GALLERY_CUT : 0,
        .t1 = video ? 1.5 : 0, .t2 = video ? 63.25 : 0, .track = video ? 0 : -1, .person = person, .how = how,
        .embedding = embedding, .thumbnail = (const uint8_t *)thumbnail, .thumbnail_size = strlen(thumbnail),
    };
    const gallery_file file = {
        .path = path, .size = 1000, .mtime_ns = 1,
        .sha256 = "00000000000000000000000000000000000000000000000000000000000000aa",
        .kind = video ? GALLERY_VIDEO : GALLERY_PHOTO, .width = 640, .height = 480, .duration = video ? 64 : 0,
        .indexed_at = indexed_at,
    };
    must(gallery_put_file(g, &file, &face, 1, &err));
}

int main(int argc, char **argv)
{
    int64_t ada, nameless;
    const gallery_recipe recipe = {
        "faceres", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "square 1.1 x box", DIMENSION,
    };
    if (argc != 2) return 2;
    must(gallery_open(&g, argv[1], GALLERY_CREATE, &recipe, 0, &err));
    must(gallery_add_person(g, "Ada", &ada, &err));
    must(gallery_add_person(g, NULL, &nameless, &err));
    put("/nowhere/a.jpg", 1, ada, GALLERY_NAMED, false, 0);
    put("/nowhere/b.jpg", 2, nameless, GALLERY_CLUSTERED, false, 1000000000);
    put("=cmd|'x'!A1,\"<script>alert(1)</script>\x1b[31m\xff.jpg", 3, 0, GALLERY_UNKNOWN, false, 0);
    put("/nowhere/film.mp4", 4, 0, GALLERY_UNKNOWN, true, 0);
    const gallery_file broken = { .path = "/nowhere/broken.jpg", .sha256 = "", .kind = GALLERY_PHOTO,
                                  .state = GALLERY_FAILED,
                                  .message = "/nowhere/broken.jpg: not a picture" };
    must(gallery_put_file(g, &broken, NULL, 0, &err));
    must(gallery_finish(g, &err));
    gallery_close(g);
    return 0;
}
