/* faces_list.c - cygnet-faces list: the people, files or faces of a gallery. */
#include "faces.h"
#include "quality.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIST_PEOPLE, LIST_FILES, LIST_FACES };

typedef struct settings {
    int         what, format;
    const char *person, *file;
    bool        failed, unknown;
} settings;

#define AT(field) offsetof(settings, field)
static const option table[] = {
    { NULL, "what", 'w', OPTION_CHOICE, AT(what), "people", 0, 0, "people|files|faces", "KIND",
      "what to list" },
    { NULL, "person", 0, OPTION_TEXT, AT(person), NULL, 0, 0, NULL, "WHO",
      "only files or faces of person NAME or NUMBER" },
    { NULL, "file", 0, OPTION_TEXT, AT(file), NULL, 0, 0, NULL, "PATH", "only faces of this file" },
    { NULL, "unknown", 0, OPTION_FLAG, AT(unknown), "false", 0, 0, NULL, NULL, "only faces of nobody" },
    { NULL, "failed", 0, OPTION_FLAG, AT(failed), "false", 0, 0, NULL, NULL,
      "only files that could not be read" },
    { "output.format", "format", 'f', OPTION_CHOICE, AT(format), "text", 0, 0, "text|jsonl|csv", "FORM",
      "for people, or one JSON object a line, or CSV" },
    { 0 },
};
#undef AT

const options_app list_app = {
    .name = "cygnet-faces list",
    .summary = "list the people, files or faces of a gallery",
    .usage = "[options] GALLERY",
    .examples = "cygnet-faces list people.cygnet\n"
                "cygnet-faces list --what files --failed people.cygnet\n"
                "cygnet-faces list --what faces --person Ada --format jsonl people.cygnet",
    .exits = "0   done\n" FACES_EXITS_GALLERY,
    .table = table,
};

typedef struct listing {
    gallery     *g;
    faces_format format;
} listing;

static bool list_person(void *context, const gallery_person *p)
{
    const listing *l = context;
    if (l->format == FORMAT_JSONL) {
        print_json(json_pack("{ss sI so si si sI}", "type", "person", "id", (json_int_t)p->id, "name",
                             json_text(p->name), "faces", p->faces, "files", p->files, "best_face",
                             (json_int_t)p->best_face));
    } else if (l->format == FORMAT_CSV) {
        printf("%lld,", (long long)p->id);
        csv_field(p->name ? p->name : "");
        printf(",%d,%d,%lld\n", p->faces, p->files, (long long)p->best_face);
    } else {
        printf("person:%-6lld %5d faces in %5d files   ", (long long)p->id, p->faces, p->files);
        say_text(p->name ? p->name : "(no name)");
        putchar('\n');
    }
    return true;
}

static bool list_file(void *context, const gallery_file *f)
{
    const listing *l = context;
    const bool failed = f->state == GALLERY_FAILED;
    if (l->format == FORMAT_JSONL) {
        print_json(json_pack("{ss so ss ss si si sf sI si ss so}", "type", "file", "path", json_text(f->path),
                             "sha256", f->sha256, "kind", f->kind == GALLERY_VIDEO ? "video" : "photo",
                             "width", f->width, "height", f->height, "duration", f->duration,
                             "indexed_at", (json_int_t)f->indexed_at, "faces", f->faces,
                             "state", failed ? "failed" : "done", "message", json_text(f->message)));
    } else if (l->format == FORMAT_CSV) {
        csv_field(f->path);
        printf(",%s,%s,%d,%d,%.3f,%lld,%d,%s,", f->sha256, f->kind == GALLERY_VIDEO ? "video" : "photo",
               f->width,
               f->height, f->duration, (long long)f->indexed_at, f->faces, failed ? "failed" : "done");
        csv_field(f->message ? f->message : "");
        putchar('\n');
    } else {
        char when[32];
        say_time(when, f->indexed_at);
        printf("%s  %3d faces  ", when, f->faces);
        say_text(f->path);
        if (failed) {
            fputs("  failed: ", stdout);
            say_text(f->message ? f->message : "?");
        }
        putchar('\n');
    }
    return true;
}

static bool list_face(void *context, const gallery_face *f, const char *path)
{
    const listing *l = context;
    char flaws[64], *name = person_name(l->g, f->person);
    quality_text(flaws, sizeof flaws, f->flaws);
    if (l->format == FORMAT_JSONL) {
        print_json(json_pack("{ss sI so s[ffff] sf sf ss s[ff] si sI so ss}", "type", "face", "id",
                             (json_int_t)f->id,
                             "path", json_text(path), "box", (double)f->box.x1, (double)f->box.y1, (double)f->box.x2,
                             (double)f->box.y2, "score", (double)f->score, "quality", (double)f->quality,
                             "flaws", flaws, "t", f->t1, f->t2, "track", f->track, "person", (json_int_t)f->person,
                             "name", json_text(name), "by", f->how == GALLERY_NAMED ? "user" :
                             f->how == GALLERY_CLUSTERED ? "cluster" : "nobody"));
    } else if (l->format == FORMAT_CSV) {
        printf("%lld,", (long long)f->id);
        csv_field(path);
        printf(",%.1f,%.1f,%.1f,%.1f,%.3f,%.3f,", (double)f->box.x1, (double)f->box.y1, (double)f->box.x2,
               (double)f->box.y2, (double)f->score, (double)f->quality);
        csv_field(flaws);
        printf(",%.3f,%.3f,%d,%lld,", f->t1, f->t2, f->track, (long long)f->person);
        csv_field(name ? name : "");
        putchar('\n');
    } else {
        printf("face:%-8lld %4.0fx%-4.0f quality %.2f  ", (long long)f->id, (double)(f->box.x2 - f->box.x1),
               (double)(f->box.y2 - f->box.y1), (double)f->quality);
        say_text(path);
        if (f->track >= 0) printf("  %.1f-%.1f s", f->t1, f->t2);
        if (f->person) printf("  person:%lld ", (long long)f->person);
        if (name) say_text(name);
        if (*flaws) printf("  (%s)", flaws);
        putchar('\n');
    }
    free(name);
    return true;
}

static cyg_status make_filter(gallery_filter *out, gallery *g, const settings *s, cyg_error *err)
{
    *out = (gallery_filter){ .failed = s->failed, .unknown = s->unknown };
    cyg_status status = CYG_OK;
    for (int i = 0; i < 2 && !status; i++) {
        const char *value = i ? s->file : s->person;
        if (!value) continue;
        char word[4200];
        thing t;
        snprintf(word, sizeof word, "%s:%s", i ? "file" : "person", value);
        status = thing_find(&t, g, word, err);
        if (i) out->file = t.id;
        else out->person = t.id;
    }
    return status;
}

static cyg_status list(gallery *g, const settings *s, cyg_error *err)
{
    static const char *const heads[] = {
        "id,name,faces,files,best_face",
        "path,sha256,kind,width,height,duration,indexed_at,faces,state,message",
        "id,path,x1,y1,x2,y2,score,quality,flaws,t1,t2,track,person,name",
    };
    listing l = { g, (faces_format)s->format };
    gallery_filter filter;
    cyg_status status = make_filter(&filter, g, s, err);
    if (status) return status;
    if (l.format == FORMAT_CSV) puts(heads[s->what]);
    switch (s->what) {
    case LIST_PEOPLE: return gallery_each_person(g, list_person, &l, err);
    case LIST_FILES: return gallery_each_file(g, &filter, list_file, &l, err);
    default: return gallery_each_face(g, &filter, 0, list_face, &l, err);
    }
}

int list_run(int argc, char **argv)
{
    verb v;
    settings s;
    cyg_error err;
    gallery *g;
    if (!verb_begin(&v, &list_app, &s, argc, argv, 1, 1)) return v.code;
    cyg_status status = gallery_open(&g, v.words[0], GALLERY_READ, NULL, 0, &err);
    if (!status) status = list(g, &s, &err);
    gallery_close(g);
    verb_end(&v);
    return status ? faces_gallery_failed(&err) : FACES_DONE;
}
