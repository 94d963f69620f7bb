/* faces_check.c - cygnet-faces check and stats: is a gallery sound, and what is in it. */
#include "faces.h"
#include <stddef.h>
#include <stdio.h>

typedef struct settings {
    bool   repair;
    int    format;
    double wait;
} settings;

#define AT(field) offsetof(settings, field)
static const option check_table[] = {
    { NULL, "repair", 0, OPTION_FLAG, AT(repair), "false", 0, 0, NULL, NULL,
      "repair what can be; files of damaged faces are then indexed again" },
    { "run.wait", "wait", 0, OPTION_TIME, AT(wait), "0", 0, 1e6, NULL, "TIME",
      "wait so long for another writer to end, to repair" },
    { 0 },
};
static const option stats_table[] = {
    { "output.format", "format", 'f', OPTION_CHOICE, AT(format), "text", 0, 0, "text|jsonl", "FORM",
      "for people, or as one JSON object" },
    { 0 },
};
#undef AT

const options_app check_app = {
    .name = "cygnet-faces check",
    .summary = "verify every byte of a gallery, and repair it",
    .usage = "[options] GALLERY",
    .examples = "cygnet-faces check people.cygnet\n"
                "cygnet-faces check --repair people.cygnet\n"
                "cygnet-faces check --repair --wait 1m people.cygnet",
    .exits = "0   sound, or everything repaired\n" FACES_EXITS_GALLERY,
    .table = check_table,
};

const options_app stats_app = {
    .name = "cygnet-faces stats",
    .summary = "say what is in a gallery, and what it was made with",
    .usage = "[options] GALLERY",
    .examples = "cygnet-faces stats people.cygnet\n"
                "cygnet-faces stats --format jsonl people.cygnet\n"
                "du -sh people.cygnet",
    .exits = "0   done\n" FACES_EXITS_GALLERY,
    .table = stats_table,
};

static void say_problem(void *context, const char *sentence)
{
    cyg_error err;
    cyg_fail(&err, CYG_FORMAT, "%s", sentence);
    faces_complain(0, &err);
}

int check_run(int argc, char **argv)
{
    verb v;
    settings s;
    cyg_error err;
    gallery *g;
    gallery_health health = { 0 };
    if (!verb_begin(&v, &check_app, &s, argc, argv, 1, 1)) return v.code;
    cyg_status status = gallery_open(&g, v.words[0], s.repair ? GALLERY_WRITE : GALLERY_READ, NULL, s.wait,
                                     &err);
    if (!status) status = gallery_check(g, &health, say_problem, NULL, &err);
    gallery_close(g);
    verb_end(&v);
    if (status) return faces_gallery_failed(&err);
    if (health.problems)
        printf("%lld problems, %lld repaired\n", (long long)health.problems, (long long)health.repaired);
    else
        puts("sound");
    return health.problems > health.repaired ? FACES_GALLERY : FACES_DONE;
}

static void say_counts(const gallery_counts *c, const gallery_recipe *r)
{
    char created[32], newest[32];
    say_time(created, c->created);
    say_time(newest, c->newest);
    printf("files          %lld (%lld photos, %lld videos; %lld failed)\n", (long long)c->files,
           (long long)c->photos,
           (long long)c->videos, (long long)c->failed);
    printf("faces          %lld (%lld named, %lld grouped, %lld of nobody)\n", (long long)c->faces,
           (long long)c->named,
           (long long)c->clustered, (long long)(c->faces - c->named - c->clustered));
    printf("people         %lld\n", (long long)c->people);
    printf("made           %s, last indexed %s\n", created, c->newest ? newest : "never");
    printf("on disk        %.1f MB\n", (double)c->bytes / 1e6);
    printf("model          ");
    say_text(r->model);
    printf(" (%d values, SHA-256 %s)\npreprocessing  ", r->dimension, r->model_sha256);
    say_text(r->preprocessing);
    putchar('\n');
}

static void print_counts(const gallery_counts *c, const gallery_recipe *r)
{
    json_t *all = json_pack("{sI sI sI sI sI sI sI sI sI sI sI ss* ss* ss* si}", "files",
                            (json_int_t)c->files, "photos",
                            (json_int_t)c->photos, "videos", (json_int_t)c->videos, "failed", (json_int_t)c->failed,
                            "faces", (json_int_t)c->faces, "named", (json_int_t)c->named, "clustered",
                            (json_int_t)c->clustered, "people", (json_int_t)c->people, "bytes", (json_int_t)c->bytes,
                            "created", (json_int_t)c->created, "newest", (json_int_t)c->newest, "model", r->model,
                            "model_sha256", r->model_sha256, "preprocessing", r->preprocessing,
                            "dimension", r->dimension);
    print_json(all);
}

int stats_run(int argc, char **argv)
{
    verb v;
    settings s;
    cyg_error err;
    gallery *g;
    gallery_counts counts;
    if (!verb_begin(&v, &stats_app, &s, argc, argv, 1, 1)) return v.code;
    cyg_status status = gallery_open(&g, v.words[0], GALLERY_READ, NULL, 0, &err);
    if (!status) status = gallery_count(g, &counts, &err);
    if (!status && s.format == FORMAT_JSONL) print_counts(&counts, gallery_made_by(g));
    else if (!status) say_counts(&counts, gallery_made_by(g));
    gallery_close(g);
    verb_end(&v);
    return status ? faces_gallery_failed(&err) : FACES_DONE;
}
