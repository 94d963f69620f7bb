/* test_gallery.c - a gallery from outside: what goes in comes out, one writer, one recipe, private
 * modes, deletions, damage, a full disk. */
#include "gallery.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { DIMENSION = 64 };

static const gallery_recipe recipe = {
    "faceres", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "square 1.1", DIMENSION,
};

static char folder[64], path[80];       /* of this test; the gallery in it */
static cyg_error err;

#define must(call) assert_must((call), #call)

static void assert_must(cyg_status status, const char *call)
{
    if (status) fail_msg("%s: %s", call, err.message);
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *walk)
{
    return remove(name);
}

static int make_folder(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/test_gallery_%d", (int)getpid());
    if (mkdir(folder, 0700)) return -1;
    snprintf(path, sizeof path, "%s/people", folder);
    err = (cyg_error){ 0 };
    return 0;
}

static int remove_folder(void **state)
{
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static gallery *opened(gallery_mode mode)
{
    gallery *g;
    must(gallery_open(&g, path, mode, &recipe, 0, &err));
    return g;
}

/* ---- Synthetic files: everything about file i follows from i -------------------------------- */

static uint32_t mix(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

static void embedding_of(float *out, int file, int face)
{
    for (int i = 0; i < DIMENSION; i++)
        out[i] = (float)(mix((uint32_t)(file * 64 + face) * 1000 + (uint32_t)i) % 2001) / 1000 - 1;
}

enum { MOST_FACES = 4, THUMBNAIL = 300 };

typedef struct synthetic {
    gallery_file file;
    gallery_face faces[MOST_FACES];
    int          count;
    char         name[64];
    float        embeddings[MOST_FACES][DIMENSION];
    uint8_t      thumbnails[MOST_FACES][THUMBNAIL];
} synthetic;

static void make(synthetic *s, int i, int version)
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

static void put(gallery *g, int i, int version)
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

/* ---- In and out -------------------------------------------------------------------------------- */

typedef struct seen {
    int       count;
    synthetic want;
    bool      whole;
} seen;

static bool see_face(void *context, const gallery_face *f, const char *name)
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

static void assert_file(gallery *g, int i, int version)
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

static void what_goes_in_comes_out(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    for (int i = 0; i < 30; i++) put(g, i, 0);
    for (int i = 0; i < 30; i += 4) put(g, i, 1);           /* replaced */
    for (int i = 0; i < 30; i++) assert_file(g, i, i % 4 == 0);
    must(gallery_finish(g, &err));
    gallery_close(g);

    g = opened(GALLERY_READ);
    for (int i = 0; i < 30; i++) assert_file(g, i, i % 4 == 0);
    gallery_file f;
    assert_int_equal(gallery_find_file(g, "album/none.jpg", &f, &err), CYG_NOT_FOUND);
    assert_string_equal(gallery_made_by(g)->model, "faceres");
    gallery_close(g);
}

static void search_finds_the_face_that_was_put(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    for (int i = 0; i < 60; i++) put(g, i, 0);
    float probe[DIMENSION];
    gallery_match got[3];
    int n = 3;
    embedding_of(probe, 7 * 10, 1);
    must(gallery_search(g, &(gallery_query){ .probe = probe, .threshold = .5f }, got, &n, &err));
    assert_int_equal(n, 1);
    assert_true(got[0].cosine > .99999f && got[0].cosine < 1.00001f);
    seen s = { .count = 1 };
    make(&s.want, 7, 0);
    must(gallery_each_face(g, &(gallery_filter){ .face = got[0].face }, 0, see_face, &s, &err));
    assert_int_equal(s.count, 2);

    n = 3;          /* photo 7 is no video */
    must(gallery_search(g, &(gallery_query){ .probe = probe, .threshold = .5f, .kind = GALLERY_VIDEO }, got, &n, &err));
    assert_int_equal(n, 0);
    probe[3] = NAN;
    n = 3;
    assert_int_equal(gallery_search(g, &(gallery_query){ .probe = probe }, got, &n, &err), CYG_ARGUMENT);
    memset(probe, 0, sizeof probe);
    assert_int_equal(gallery_search(g, &(gallery_query){ .probe = probe }, got, &n, &err), CYG_ARGUMENT);
    gallery_close(g);
}

/* ---- The door ------------------------------------------------------------------------------------ */

static void what_is_no_number_is_refused(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    for (int what = 0; what < 7; what++) {
        synthetic s;
        make(&s, 3, 0);
        switch (what) {
        case 0: s.embeddings[2][5] = NAN; break;
        case 1: s.embeddings[0][0] = INFINITY; break;
        case 2: memset(s.embeddings[1], 0, sizeof s.embeddings[1]); break;
        case 3: s.faces[1].box.y2 = NAN; break;
        case 4: s.faces[0].t2 = INFINITY; break;
        case 5: s.faces[0].person = 17; break;              /* nobody */
        case 6: s.file.path = ""; break;
        }
        assert_int_equal(gallery_put_file(g, &s.file, s.faces, s.count, &err), CYG_ARGUMENT);
        gallery_file f;
        assert_int_equal(gallery_find_file(g, s.name, &f, &err), CYG_NOT_FOUND);
    }
    put(g, 3, 0);
    assert_file(g, 3, 0);
    gallery_close(g);
}

static void another_recipe_is_refused(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    put(g, 1, 0);
    gallery_close(g);
    gallery_recipe other[3] = { recipe, recipe, recipe };
    other[0].model_sha256 = "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    other[1].preprocessing = "square 1.2";
    other[2].dimension = 65;
    for (int i = 0; i < 3; i++)
        for (gallery_mode mode = GALLERY_READ; mode <= GALLERY_CREATE; mode++) {
            assert_int_equal(gallery_open(&g, path, mode, &other[i], 0, &err), CYG_UNSUPPORTED);
            assert_null(g);
            assert_non_null(strstr(err.message, "cannot be mixed"));
        }
    must(gallery_open(&g, path, GALLERY_READ, NULL, 0, &err));
    assert_file(g, 1, 0);
    gallery_close(g);
}

static void what_is_no_gallery_is_refused(void **state)
{
    gallery *g;
    char other[100];
    assert_int_equal(gallery_open(&g, path, GALLERY_READ, NULL, 0, &err), CYG_NOT_FOUND);
    assert_int_equal(gallery_open(&g, path, GALLERY_WRITE, NULL, 0, &err), CYG_NOT_FOUND);
    snprintf(other, sizeof other, "%s/photo.jpg", folder);
    FILE *f = fopen(other, "w");
    fclose(f);
    assert_int_equal(gallery_open(&g, other, GALLERY_CREATE, &recipe, 0, &err), CYG_FORMAT);
    /* a folder of photos does not become a gallery */
    assert_int_equal(gallery_open(&g, folder, GALLERY_CREATE, &recipe, 0, &err), CYG_ARGUMENT);
    assert_int_equal(gallery_open(&g, folder, GALLERY_READ, NULL, 0, &err), CYG_NOT_FOUND);
    assert_int_equal(mkdir(path, 0755), 0);     /* an empty one does */
    gallery_close(opened(GALLERY_CREATE));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

/* ---- Others ---------------------------------------------------------------------------------------- */

static void second_writer_is_told_and_readers_go_on(void **state)
{
    gallery *first = opened(GALLERY_CREATE), *second, *reader;
    put(first, 1, 0);
    assert_int_equal(gallery_open(&second, path, GALLERY_WRITE, &recipe, 0, &err), CYG_BUSY);
    assert_null(second);
    assert_non_null(strstr(err.message, "another process is writing"));
    assert_int_equal(gallery_open(&second, path, GALLERY_CREATE, &recipe, 0.03, &err), CYG_BUSY);

    must(gallery_begin(first, &err));           /* also in the middle of a change */
    put(first, 2, 0);
    reader = opened(GALLERY_READ);
    assert_file(reader, 1, 0);
    gallery_file f;
    synthetic two;
    make(&two, 2, 0);
    assert_int_equal(gallery_find_file(reader, two.name, &f, &err), CYG_NOT_FOUND);
    float probe[DIMENSION];
    gallery_match got[3];
    int n = 3;
    embedding_of(probe, 10, 0);
    must(gallery_search(reader, &(gallery_query){ .probe = probe, .threshold = .9f }, got, &n, &err));
    assert_int_equal(n, 1);
    must(gallery_commit(first, &err));
    assert_file(reader, 2, 0);
    embedding_of(probe, 20, 0);
    must(gallery_refresh(reader, &err));
    n = 3;
    must(gallery_search(reader, &(gallery_query){ .probe = probe, .threshold = .9f }, got, &n, &err));
    assert_int_equal(n, 1);
    gallery_close(reader);
    gallery_close(first);
    gallery_close(opened(GALLERY_WRITE));
}

static void readers_cannot_write(void **state)
{
    gallery_close(opened(GALLERY_CREATE));
    gallery *g = opened(GALLERY_READ);
    synthetic s;
    make(&s, 1, 0);
    assert_int_equal(gallery_put_file(g, &s.file, s.faces, s.count, &err), CYG_ARGUMENT);
    assert_int_equal(gallery_finish(g, &err), CYG_ARGUMENT);
    gallery_close(g);
}

/* ---- Privacy --------------------------------------------------------------------------------------- */

static void assert_private(void)
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

static void every_file_is_private_whatever_the_umask(void **state)
{
    const mode_t before = umask(0);
    gallery *g = opened(GALLERY_CREATE);
    put(g, 1, 0);
    must(gallery_finish(g, &err));
    gallery *reader = opened(GALLERY_READ);
    must(gallery_refresh(reader, &err));
    assert_private();
    gallery_close(reader);
    assert_private();
    gallery_close(g);
    assert_private();
    umask(before);
}

/* How often any of the files of the gallery has these bytes. */
static int occurrences(const void *bytes, size_t size)
{
    int count = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; (e = readdir(d)); ) {
        struct stat st;
        const int fd = openat(dirfd(d), e->d_name, O_RDONLY);
        if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
            close(fd);
            continue;
        }
        uint8_t *all = malloc((size_t)st.st_size + 1);
        assert_int_equal(read(fd, all, (size_t)st.st_size), st.st_size);
        for (const uint8_t *at = all; (at = memmem(at, (size_t)(all + st.st_size - at), bytes, size)); at++) count++;
        free(all);
        close(fd);
    }
    closedir(d);
    return count;
}

static uint16_t half(double value)      /* of |value| in 2^-14 .. 1, as the format says; the test's own */
{
    int exponent;
    const double m = frexp(fabs(value), &exponent);
    const long bits = lrint(m * 2048) - 1024;
    return (uint16_t)((value < 0 ? 0x8000 : 0) + ((exponent + 14) << 10) + bits);
}

/* Eight consecutive halves of it that are no subnormals. */
static int occurrences_of_embedding(int i, int version, int face)
{
    float x[DIMENSION];
    double square = 0;
    uint16_t want[8];
    embedding_of(x, i * 10 + version, face);
    for (int j = 0; j < DIMENSION; j++) square += (double)x[j] * (double)x[j];
    for (int from = 0; from + 8 <= DIMENSION; from++) {
        bool plain = true;
        for (int j = 0; j < 8; j++) {
            const double value = (double)(float)((double)x[from + j] * (1 / sqrt(square)));
            plain = plain && fabs(value) > 0x1p-13;
            want[j] = half(value);
        }
        if (plain) return occurrences(want, sizeof want);
    }
    fail_msg("no plain stretch");
    return -1;
}

static int occurrences_of_thumbnail(int i, int version, int face)
{
    synthetic s;
    make(&s, i, version);
    int most = 0;
    for (int at = 0; at + 16 <= THUMBNAIL; at += 16) {
        const int n = occurrences(s.thumbnails[face] + at, 16);
        most = n > most ? n : most;
    }
    return most;
}

static void deleted_faces_are_nowhere(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    for (int i = 0; i < 120; i++) put(g, i, 0);
    must(gallery_finish(g, &err));
    for (int i = 0; i < 120; i++) put(g, i, i % 5 == 0);        /* rows move about */
    must(gallery_finish(g, &err));
    synthetic s;
    gallery_file f;
    for (int i = 0; i < 120; i++) {
        if (i % 7 > 2) continue;
        make(&s, i, 0);
        must(gallery_find_file(g, s.name, &f, &err));
        must(gallery_remove_file(g, f.id, &err));
    }
    must(gallery_finish(g, &err));
    for (int round = 0; round < 2; round++) {       /* also after closing */
        for (int i = 0; i < 120; i++) {
            const int versions = i % 5 ? 1 : 2;
            for (int v = 0; v < versions; v++) {
                const bool gone = i % 7 <= 2 || v < versions - 1;
                make(&s, i, v);
                for (int j = 0; j < s.count; j++) {
                    const int copies = occurrences_of_embedding(i, v, j);
                    if (gone ? copies != 0 : copies != 2)       /* in the database and beside it */
                        fail_msg("embedding %d of file %d version %d: %d times", j, i, v, copies);
                    const int pictures = occurrences_of_thumbnail(i, v, j);
                    if (gone ? pictures != 0 : pictures != 1)
                        fail_msg("thumbnail %d of file %d version %d: %d times", j, i, v, pictures);
                }
            }
        }
        gallery_close(g);
        g = opened(GALLERY_READ);
    }
    gallery_close(g);
}

/* ---- People -------------------------------------------------------------------------------------- */

static bool take_first(void *context, const gallery_face *f, const char *name)
{
    *(int64_t *)context = f->id;
    return false;
}

static int64_t first_face(gallery *g, int i)
{
    synthetic s;
    gallery_file f;
    int64_t id = 0;
    make(&s, i, 0);
    must(gallery_find_file(g, s.name, &f, &err));
    must(gallery_each_face(g, &(gallery_filter){ .file = f.id }, 0, take_first, &id, &err));
    assert_true(id > 0);
    return id;
}

static bool take_person(void *context, const gallery_face *f, const char *name)
{
    *(gallery_face *)context = *f;
    return false;
}

static gallery_face face(gallery *g, int64_t id)
{
    gallery_face f = { 0 };
    must(gallery_each_face(g, &(gallery_filter){ .face = id }, 0, take_person, &f, &err));
    assert_true(f.id == id);
    return f;
}

static bool write_person(void *context, const gallery_person *p)
{
    char *text = context;
    sprintf(text + strlen(text), "%lld %s %d %d %lld;", (long long)p->id, p->name ? p->name : "-", p->faces, p->files,
            (long long)p->best_face);
    return true;
}

static const char *people(gallery *g)
{
    static char text[1000];
    *text = 0;
    must(gallery_each_person(g, write_person, text, &err));
    return text;
}

static void people_are_named_merged_and_rejected(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    for (int i = 1; i < 9; i++) put(g, i, 0);
    const int64_t a = first_face(g, 1), b = first_face(g, 2), c = first_face(g, 3);
    int64_t ada, bob, nameless, now;
    must(gallery_add_person(g, "Ada", &ada, &err));
    must(gallery_add_person(g, "B\xc3\xb6""b", &bob, &err));
    must(gallery_add_person(g, NULL, &nameless, &err));
    assert_int_equal(gallery_add_person(g, "Ada", &now, &err), CYG_ARGUMENT);
    assert_int_equal(gallery_name_person(g, bob, "Ada", &err), CYG_ARGUMENT);
    must(gallery_assign(g, a, ada, GALLERY_NAMED, &err));
    must(gallery_assign(g, b, bob, GALLERY_CLUSTERED, &err));
    must(gallery_assign(g, c, nameless, GALLERY_CLUSTERED, &err));
    assert_int_equal(gallery_assign(g, c, 99, GALLERY_NAMED, &err), CYG_NOT_FOUND);
    assert_int_equal(gallery_assign(g, 9999, ada, GALLERY_NAMED, &err), CYG_NOT_FOUND);
    char want[300];
    sprintf(want, "1 Ada 1 1 %lld;2 B\xc3\xb6""b 1 1 %lld;3 - 1 1 %lld;", (long long)a, (long long)b, (long long)c);
    assert_string_equal(people(g), want);

    must(gallery_reject(g, b, bob, &err));                      /* no longer his, and never again */
    assert_true(face(g, b).person == 0 && face(g, b).how == GALLERY_UNKNOWN);
    bool yes;
    must(gallery_is_rejected(g, b, bob, &yes, &err));
    assert_true(yes);
    must(gallery_is_rejected(g, a, bob, &yes, &err));
    assert_false(yes);

    must(gallery_merge_people(g, bob, nameless, &err));         /* the name goes along */
    must(gallery_is_rejected(g, b, nameless, &yes, &err));      /* what was rejected stays so */
    assert_true(yes);
    must(gallery_merge_people(g, ada, nameless, &err));         /* a second name stays with who had it */
    assert_true(face(g, a).person == nameless && face(g, a).how == GALLERY_NAMED);
    assert_true(face(g, c).person == nameless && face(g, c).how == GALLERY_NAMED);
    for (int64_t id = 1; id <= 3; id++) {
        must(gallery_resolve_person(g, id, &now, &err));
        assert_int_equal(now, nameless);
    }
    must(gallery_find_person(g, "Ada", &now, &err));
    assert_int_equal(now, nameless);
    must(gallery_find_person(g, "B\xc3\xb6""b", &now, &err));
    assert_int_equal(now, nameless);
    assert_int_equal(gallery_find_person(g, "Eve", &now, &err), CYG_NOT_FOUND);
    assert_int_equal(gallery_merge_people(g, ada, bob, &err), CYG_ARGUMENT);

    float probe[DIMENSION];                                     /* search among one person's */
    gallery_match got[40];
    int n = 40;
    embedding_of(probe, 10, 0);
    must(gallery_search(g, &(gallery_query){ .probe = probe, .threshold = -1, .person = nameless }, got, &n, &err));
    assert_int_equal(n, 2);
    assert_int_equal(got[0].face, a);

    must(gallery_remove_person(g, nameless, true, &err));       /* with the merged ones */
    assert_string_equal(people(g), "");
    assert_int_equal(gallery_resolve_person(g, ada, &now, &err), CYG_NOT_FOUND);
    must(gallery_each_face(g, &(gallery_filter){ .face = a }, 0, take_first, &now, &err));
    gallery_counts counts;
    must(gallery_count(g, &counts, &err));
    assert_int_equal(counts.faces, 1 + 2 + 3 + 4 + 0 + 1 + 2 + 3 - 2);
    assert_int_equal(counts.named, 0);
    gallery_close(g);
}

static void names_are_printable_utf8(void **state)
{
    static const char *const bad[] = { "", "a\nb", "\x1b[31m", "\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\302\2331m",
                                       "\xf4\x90\x80\x80", "\x7f" };
    static const char *const good[] = { "Ada", "\xe5\xb1\xb1\xe7\x94\xb0",
                                        "<script>&\"'", "\xf0\x9f\xa6\xa2", "../..", " " };
    gallery *g = opened(GALLERY_CREATE);
    int64_t id, found;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(gallery_add_person(g, bad[i], &id, &err), CYG_ARGUMENT);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        must(gallery_add_person(g, good[i], &id, &err));
        must(gallery_find_person(g, good[i], &found, &err));
        assert_int_equal(id, found);
    }
    char longest[202];
    memset(longest, 'a', 201);
    longest[201] = 0;
    assert_int_equal(gallery_add_person(g, longest, &id, &err), CYG_ARGUMENT);
    must(gallery_add_person(g, longest + 1, &id, &err));
    gallery_close(g);
}

static void a_moved_file_keeps_its_faces(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    put(g, 1, 0);
    put(g, 3, 0);
    synthetic one, three;
    gallery_file f;
    make(&one, 1, 0);
    make(&three, 3, 0);
    const int64_t id = first_face(g, 3);
    must(gallery_find_file(g, three.name, &f, &err));
    must(gallery_move_file(g, f.id, one.name, 77, &err));           /* onto another's place */
    assert_int_equal(gallery_find_file(g, three.name, &f, &err), CYG_NOT_FOUND);
    must(gallery_find_file(g, one.name, &f, &err));
    assert_true(f.mtime_ns == 77 && f.faces == 3 && face(g, id).file == f.id);
    assert_int_equal(gallery_move_file(g, 999, "x", 1, &err), CYG_NOT_FOUND);
    gallery_close(g);
}

/* ---- Killed --------------------------------------------------------------------------------------- */

enum { FILES = 40 };

/* Indexes files first .. FILES - 1, telling after each through the pipe. */
static void index_files(int first, int tell)
{
    gallery *g;
    if (gallery_open(&g, path, GALLERY_CREATE, &recipe, 0, &err)) _exit(1);
    for (int i = first; i < FILES; i++) {
        synthetic s;
        make(&s, i, 0);
        if (gallery_put_file(g, &s.file, s.faces, s.count, &err)) _exit(2);
        if (i % 8 == 7 && gallery_finish(g, &err)) _exit(3);
        if (write(tell, &(uint8_t){ (uint8_t)i }, 1) != 1) _exit(4);
    }
    if (gallery_finish(g, &err)) _exit(5);
    gallery_close(g);
    _exit(0);
}

static void expect_no_problem(void *context, const char *sentence)
{
    fail_msg("%s", sentence);
}

static int files_there(void)
{
    gallery *g = opened(GALLERY_WRITE);
    gallery_health health;
    must(gallery_check(g, &health, expect_no_problem, NULL, &err));
    assert_int_equal(health.problems, 0);
    gallery_counts counts;
    must(gallery_count(g, &counts, &err));
    for (int i = 0; i < counts.files; i++) assert_file(g, i, 0);
    gallery_close(g);
    return (int)counts.files;
}

static bool exists(void)
{
    char name[100];
    struct stat st;
    snprintf(name, sizeof name, "%s/faces.db", path);
    return !stat(name, &st) && st.st_size > 0;
}

/* 50 times: killed some moments after it told of some file. What was told of is there, and at most
 * one more; check finds nothing; in the end all is as if never interrupted. */
static void kill_9_loses_one_file_at_most(void **state)
{
    int next = 0, kills = 0;
    while (kills < 50) {
        if (next == FILES) {            /* all there: once more from the start */
            nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
            next = 0;
        }
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        const pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            index_files(next, ends[1]);
        }
        close(ends[1]);
        uint8_t told;
        int last = next - 1;
        for (unsigned more = mix((unsigned)kills) % 4; more && read(ends[0], &told, 1) == 1; more--) last = told;
        /* the moment in which it dies: some of its instructions later */
        for (volatile unsigned spin = mix((unsigned)kills * 7 + 1) % 400000; spin; spin--) { }
        kill(child, SIGKILL);
        int how;
        waitpid(child, &how, 0);
        while (read(ends[0], &told, 1) == 1) last = told;
        close(ends[0]);
        kills++;
        if (!exists()) {                /* before there was anything */
            assert_int_equal(last, -1);
            continue;
        }
        gallery *g;                     /* its first transaction may not have been made */
        const cyg_status status = gallery_open(&g, path, GALLERY_READ, &recipe, 0, &err);
        gallery_close(g);
        if (status == CYG_NOT_FOUND) {
            assert_int_equal(last, -1);
            continue;
        }
        assert_int_equal(status, CYG_OK);
        next = files_there();
        assert_in_range(next, last + 1, last + 2);
    }
    const pid_t child = fork();
    if (child == 0) index_files(next, open("/dev/null", O_WRONLY));
    int how;
    waitpid(child, &how, 0);
    assert_int_equal(how, 0);
    assert_int_equal(files_there(), FILES);
    assert_private();
}

/* ---- No room ---------------------------------------------------------------------------------------- */

/* In a child that may not write files beyond a size: as on a full disk, a write fails in the middle. */
static void a_full_disk_changes_nothing(void **state)
{
    for (rlim_t room = 1000; room < 700000; room += room / 3) {
        gallery *g = opened(GALLERY_CREATE);
        for (int i = 0; i < 3; i++) put(g, i, 0);
        must(gallery_finish(g, &err));
        gallery_close(g);
        const pid_t child = fork();
        if (child == 0) {
            signal(SIGXFSZ, SIG_IGN);
            setrlimit(RLIMIT_FSIZE, &(struct rlimit){ room, room });
            cyg_status status = gallery_open(&g, path, GALLERY_CREATE, &recipe, 0, &err);
            int i = 3;
            for (synthetic s; !status && i < 200; i++) {
                make(&s, i, 0);
                status = gallery_put_file(g, &s.file, s.faces, s.count, &err);
                if (!status && i % 16 == 0) status = gallery_finish(g, &err);
            }
            if (status != CYG_IO) {
                fprintf(stderr, "room %ld: status %d: %s\n", (long)room, status, err.message);
                _exit(250);
            }
            gallery_close(g);
            _exit(i < 200 ? i : 199);
        }
        int how;
        waitpid(child, &how, 0);
        assert_true(WIFEXITED(how) && WEXITSTATUS(how) < 250);
        const int there = files_there();
        assert_in_range(there, 3, WEXITSTATUS(how) + 1);
        nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
}

/* ---- Damage ------------------------------------------------------------------------------------------ */

static void flip(const char *name, size_t at, int bit)
{
    char full[120];
    snprintf(full, sizeof full, "%s/%s", path, name);
    const int fd = open(full, O_RDWR);
    uint8_t byte;
    assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
    byte ^= (uint8_t)(1 << bit);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
}

static size_t size_of(const char *name)
{
    char full[120];
    struct stat st;
    snprintf(full, sizeof full, "%s/%s", path, name);
    assert_int_equal(stat(full, &st), 0);
    return (size_t)st.st_size;
}

static int64_t best_of(const float *probe, cyg_status *status)
{
    gallery *g;
    gallery_match got[1] = { { 0 } };
    int n = 1;
    *status = gallery_open(&g, path, GALLERY_READ, &recipe, 0, &err);
    if (!*status) *status = gallery_search(g, &(gallery_query){ .probe = probe, .threshold = .9f }, got, &n, &err);
    gallery_close(g);
    return got[0].face;
}

static void a_damaged_vector_file_is_made_again(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    for (int i = 0; i < 12; i++) put(g, i, 0);
    must(gallery_finish(g, &err));
    gallery_close(g);
    float probe[DIMENSION];
    embedding_of(probe, 70, 1);
    cyg_status status;
    const int64_t right = best_of(probe, &status);
    assert_true(right > 0);
    const size_t size = size_of("vectors");
    for (unsigned i = 0; i < 300; i++) {
        flip("vectors", mix(i) % (i % 2 ? size : 5000), (int)(i % 8));
        assert_int_equal(best_of(probe, &status), right);
        assert_int_equal(status, CYG_OK);
    }
    char name[120];
    snprintf(name, sizeof name, "%s/vectors", path);
    assert_int_equal(truncate(name, 100), 0);
    assert_int_equal(best_of(probe, &status), right);
    remove(name);
    assert_int_equal(best_of(probe, &status), right);
    assert_private();
}

static void count_problem(void *context, const char *sentence)
{
    ++*(int *)context;
    assert_non_null(strstr(sentence, path));
}

/* A flipped bit of the database makes a clear refusal or nothing worse than other text; never another
 * answer of a search, never a crash. */
static void a_damaged_database_is_noticed(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    for (int i = 0; i < 12; i++) put(g, i, 0);
    must(gallery_finish(g, &err));
    gallery_close(g);
    float probe[DIMENSION];
    embedding_of(probe, 70, 1);
    cyg_status status;
    const int64_t right = best_of(probe, &status);
    const size_t size = size_of("faces.db");
    char name[120];
    snprintf(name, sizeof name, "%s/vectors", path);
    int refused = 0, noticed = 0;
    for (unsigned i = 0; i < 400; i++) {
        const size_t at = mix(i + 1000) % (i % 4 ? size : 8192);
        flip("faces.db", at, (int)(i % 8));
        remove(name);
        const int64_t found = best_of(probe, &status);
        if (status) {
            assert_true(status == CYG_FORMAT || status == CYG_UNSUPPORTED || status == CYG_NOT_FOUND);
            refused++;
        } else if (found != right) {
            int problems = 0;
            gallery_health health;
            must(gallery_open(&g, path, GALLERY_READ, NULL, 0, &err));
            status = gallery_check(g, &health, count_problem, &problems, &err);
            assert_true(status == CYG_FORMAT || problems > 0);
            gallery_close(g);
            noticed++;
        }
        flip("faces.db", at, (int)(i % 8));
    }
    assert_true(refused > 5);
    assert_int_equal(best_of(probe, &status), right);
}

/* check repairs what it can: the face is given up, its file is to be indexed again. */
static void check_repairs(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    for (int i = 0; i < 12; i++) put(g, i, 0);
    must(gallery_finish(g, &err));
    gallery_close(g);

    float x[DIMENSION];
    double square = 0;
    embedding_of(x, 70, 1);
    for (int j = 0; j < DIMENSION; j++) square += (double)x[j] * (double)x[j];
    uint16_t want[2];
    for (int j = 0; j < 2; j++) want[j] = half((double)(float)((double)x[j] * (1 / sqrt(square))));
    const size_t size = size_of("faces.db");
    uint8_t *all = malloc(size);
    char name[120];
    snprintf(name, sizeof name, "%s/faces.db", path);
    const int fd = open(name, O_RDONLY);
    assert_int_equal(read(fd, all, size), size);
    close(fd);
    const uint8_t *at = memmem(all, size, want, sizeof want);
    assert_non_null(at);
    flip("faces.db", (size_t)(at - all) + 9, 3);
    free(all);
    chmod(path, 0755);

    int problems = 0;
    gallery_health health;
    g = opened(GALLERY_READ);               /* a reader only tells */
    must(gallery_check(g, &health, count_problem, &problems, &err));
    assert_true(problems == 2 && health.problems == 2 && health.repaired == 0);
    gallery_close(g);
    g = opened(GALLERY_WRITE);
    must(gallery_check(g, &health, count_problem, &problems, &err));
    assert_true(health.problems == 2 && health.repaired == 2);
    must(gallery_check(g, &health, expect_no_problem, NULL, &err));
    synthetic s;
    gallery_file f;
    make(&s, 7, 0);
    must(gallery_find_file(g, s.name, &f, &err));
    assert_true(f.faces == 1 && f.mtime_ns == -1);
    gallery_close(g);
    assert_private();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(what_goes_in_comes_out),
        TEST(search_finds_the_face_that_was_put),
        TEST(what_is_no_number_is_refused),
        TEST(another_recipe_is_refused),
        TEST(what_is_no_gallery_is_refused),
        TEST(second_writer_is_told_and_readers_go_on),
        TEST(readers_cannot_write),
        TEST(every_file_is_private_whatever_the_umask),
        TEST(deleted_faces_are_nowhere),
        TEST(people_are_named_merged_and_rejected),
        TEST(names_are_printable_utf8),
        TEST(a_moved_file_keeps_its_faces),
        TEST(kill_9_loses_one_file_at_most),
        TEST(a_full_disk_changes_nothing),
        TEST(a_damaged_vector_file_is_made_again),
        TEST(a_damaged_database_is_noticed),
        TEST(check_repairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
