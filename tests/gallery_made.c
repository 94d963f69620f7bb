/* gallery_made.c - folders, made-up files, and what became of them. */
#include "gallery_made.h"
#include <dirent.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const gallery_recipe recipe = {
    "faceres", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "square 1.1", DIMENSION,
};

char folder[64], path[80];
cyg_error err;

void assert_must(cyg_status status, const char *call)
{
    if (status) fail_msg("%s: %s", call, err.message);
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *walk)
{
    return remove(name);
}

int make_folder(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/test_gallery_%d", (int)getpid());
    if (mkdir(folder, 0700)) return -1;
    snprintf(path, sizeof path, "%s/people", folder);
    err = (cyg_error){ 0 };
    return 0;
}

int remove_folder(void **state)
{
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void remove_gallery(void)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

gallery *opened(gallery_mode mode)
{
    gallery *g;
    must(gallery_open(&g, path, mode, &recipe, 0, &err));
    return g;
}

/* ---- Synthetic files: everything about file i follows from i -------------------------------- */

uint32_t mix(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

void embedding_of(float *out, int file, int face)
{
    for (int i = 0; i < DIMENSION; i++)
        out[i] = (float)(mix((uint32_t)(file * 64 + face) * 1000 + (uint32_t)i) % 2001) / 1000 - 1;
}

void make(synthetic *s, int i, int version)
{
    *s = (synthetic){ .count = (i + version) % (MOST_FACES + 1) };
    snprintf(s->name, sizeof s->name, "album/photo %d \xc3\xa9.jpg", i);
    s->file = (gallery_file){ .path = s->name, .size = 1000 + i, .mtime_ns = 1234567890123456789 + version,
                              .kind = i % 3 ? GALLERY_PHOTO : GALLERY_VIDEO, .width = 640, .height = 480,
                              .indexed_at = 1700000000 + i };
    snprintf(s->file.sha256, sizeof s->file.sha256, "%064x", (unsigned)(i * 10 + version));
    for (int j = 0; j < s->count; j++) {
        embedding_of(s->embeddings[j], i * 10 + version, j);
        for (int k = 0; k < THUMBNAIL; k++)
            s->thumbnails[j][k] = (uint8_t)mix((uint32_t)((i * 10 + version) * 64 + j) * 3000 + (uint32_t)k);
        s->faces[j] = (gallery_face){ .box = { 1.5f + (float)j, 2, 30, 40 }, .score = .9f, .quality = .5f,
                                      .flaws = GALLERY_BLURRED, .t1 = i, .t2 = i + .25, .track = j,
                                      .embedding = s->embeddings[j], .thumbnail = s->thumbnails[j],
                                      .thumbnail_size = THUMBNAIL };
    }
}

void put(gallery *g, int i, int version)
{
    synthetic s;
    make(&s, i, version);
    must(gallery_put_file(g, &s.file, s.faces, s.count, &err));
}

static double cosine(const float *a, const float *b)
{
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < DIMENSION; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

bool see_face(void *context, const gallery_face *f, const char *name)
{
    seen *s = context;
    const gallery_face *want = &s->want.faces[s->count];
    assert_string_equal(name, s->want.name);
    assert_memory_equal(&f->box, &want->box, sizeof f->box);
    assert_true(f->score == want->score && f->quality == want->quality && f->flaws == want->flaws);
    assert_true(f->t1 == want->t1 && f->t2 == want->t2 && f->track == want->track);
    assert_true(f->person == 0 && f->how == GALLERY_UNKNOWN);
    if (s->whole) {
        assert_true(cosine(f->embedding, want->embedding) > 0.9999995);
        assert_int_equal(f->thumbnail_size, want->thumbnail_size);
        assert_memory_equal(f->thumbnail, want->thumbnail, f->thumbnail_size);
    } else {
        assert_null(f->embedding);
        assert_null(f->thumbnail);
    }
    s->count++;
    return true;
}

void assert_file(gallery *g, int i, int version)
{
    seen s = { .whole = i % 2 };
    make(&s.want, i, version);
    gallery_file f;
    must(gallery_find_file(g, s.want.name, &f, &err));
    assert_true(f.size == s.want.file.size && f.mtime_ns == s.want.file.mtime_ns && f.kind == s.want.file.kind);
    assert_true(f.width == 640 && f.height == 480 && f.indexed_at == s.want.file.indexed_at);
    assert_string_equal(f.sha256, s.want.file.sha256);
    assert_int_equal(f.faces, s.want.count);
    must(gallery_each_face(g, &(gallery_filter){ .file = f.id },
                           s.whole ? GALLERY_EMBEDDINGS | GALLERY_THUMBNAILS : 0, see_face, &s, &err));
    assert_int_equal(s.count, s.want.count);
}

void assert_private(void)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    DIR *d = opendir(path);
    int files = 0;
    for (struct dirent *e; (e = readdir(d)); ) {
        if (e->d_name[0] == '.') continue;
        assert_int_equal(fstatat(dirfd(d), e->d_name, &st, 0), 0);
        if ((st.st_mode & 0777) != 0600) fail_msg("%s has mode %o", e->d_name, st.st_mode & 0777u);
        files++;
    }
    assert_true(files >= 3);
    closedir(d);
}

uint16_t half(double value)
{
    int exponent;
    const double m = frexp(fabs(value), &exponent);
    const long bits = lrint(m * 2048) - 1024;
    return (uint16_t)((value < 0 ? 0x8000 : 0) + ((exponent + 14) << 10) + bits);
}
