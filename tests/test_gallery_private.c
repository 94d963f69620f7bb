/* test_gallery_private.c - private modes of a gallery, and deletions that leave no byte. */
#include "gallery_made.h"
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_file_is_private_whatever_the_umask),
        TEST(deleted_faces_are_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
