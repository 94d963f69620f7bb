/* test_gallery_damage.c - a gallery that is killed, has no room, or is damaged. */
#include "gallery_made.h"
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
            remove_gallery();
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
        remove_gallery();
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
    const struct CMUnitTest tests[] = {
        TEST(kill_9_loses_one_file_at_most),
        TEST(a_full_disk_changes_nothing),
        TEST(a_damaged_vector_file_is_made_again),
        TEST(a_damaged_database_is_noticed),
        TEST(check_repairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
