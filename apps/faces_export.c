/* faces_export.c - cygnet-faces export: faces as JSON Lines or CSV, and their thumbnails in folders. */
#include "faces.h"
#include "file.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct settings {
    const char *folder;
    int         format;
    bool        embeddings, overwrite;
} settings;

#define AT(field) offsetof(settings, field)
static const option table[] = {
    { NULL, "output", 'o', OPTION_TEXT, AT(folder), NULL, 0, 0, NULL, "FOLDER",
      "also write every thumbnail, in a folder for each person" },
    { "output.format", "format", 'f', OPTION_CHOICE, AT(format), "jsonl", 0, 0, "jsonl|csv", "FORM",
      "one JSON object a line, or CSV, on standard output" },
    { NULL, "embeddings", 0, OPTION_FLAG, AT(embeddings), "false", 0, 0, NULL, NULL,
      "with the embeddings: biometric data, keep them safe" },
    { "output.overwrite", "overwrite", 'y', OPTION_FLAG, AT(overwrite), "false", 0, 0, NULL, NULL,
      "replace thumbnails that are there already" },
    { 0 },
};
#undef AT

const options_app export_app = {
    .name = "cygnet-faces export",
    .summary = "write the faces of a gallery as JSON Lines or CSV, and their thumbnails in folders",
    .usage = "[options] GALLERY",
    .examples = "cygnet-faces export people.cygnet >faces.jsonl\n"
                "cygnet-faces export --format csv people.cygnet >faces.csv\n"
                "cygnet-faces export -o people/ people.cygnet >faces.jsonl",
    .exits = "0   done\n" FACES_EXITS_GALLERY,
    .table = table,
};

typedef struct person { int64_t id; char *name; } person;

typedef struct job {
    const settings *s;
    int             dimension;
    person         *people;         /* read before: the faces are being listed */
    size_t          count;
    cyg_error      *err;
    cyg_status      status;
} job;

static bool take_person(void *context, const gallery_person *p)
{
    job *j = context;
    person *more = realloc(j->people, (j->count + 1) * sizeof *more);
    if (more) j->people = more;
    char *name = more ? strdup(p->name ? p->name : "") : NULL;
    if (!name) {
        j->status = cyg_fail(j->err, CYG_NO_MEMORY, "out of memory");
        return false;
    }
    j->people[j->count++] = (person){ p->id, name };
    return true;
}

static const char *name_of(const job *j, int64_t id)
{
    for (size_t i = 0; i < j->count; i++)
        if (j->people[i].id == id) return j->people[i].name;
    return "";
}

/* ---- Thumbnails ------------------------------------------------------------------------- */

/* A name that is one folder, whatever it holds: "Ada", "person-3" if it has none, "unknown". */
static void folder_of(char out[256], const job *j, const gallery_face *f)
{
    const char *name = name_of(j, f->person);
    if (!f->person) strcpy(out, "unknown");
    else if (!*name) snprintf(out, 256, "person-%lld", (long long)f->person);
    else snprintf(out, 256, "%s%s", *name == '.' ? "_" : "", name);
    for (char *c = out; *c; c++)
        if (*c == '/') *c = '_';
}

static cyg_status make_folder(const char *path, cyg_error *err)
{
    if (!mkdir(path, 0700) || errno == EEXIST) return CYG_OK;
    return cyg_fail(err, CYG_IO, "%s: cannot be made: %s", path, strerror(errno));
}

static cyg_status write_thumbnail(const job *j, const gallery_face *f, char *path, size_t size,
                                  cyg_error *err)
{
    char folder[256];
    folder_of(folder, j, f);
    snprintf(path, size, "%s/%s", j->s->folder, folder);
    cyg_status status = make_folder(path, err);
    if (status) return status;
    snprintf(path, size, "%s/%s/face-%lld.jpg", j->s->folder, folder, (long long)f->id);
    status = file_write(path, f->thumbnail, f->thumbnail_size, j->s->overwrite, err);
    return status == CYG_ARGUMENT ? cyg_fail(err, CYG_IO, "%s: is there already; --overwrite replaces it",
                                             path) : status;
}

/* ---- Records ------------------------------------------------------------------------------ */

static void write_json(const job *j, const gallery_face *f, const char *path, const char *crop)
{
    json_t *o = json_pack("{ss sI so s[ffff] sf sf si s[ff] si sI so}", "type", "face", "id",
                          (json_int_t)f->id, "path",
                          json_text(path), "box", (double)f->box.x1, (double)f->box.y1, (double)f->box.x2,
                          (double)f->box.y2, "score", (double)f->score, "quality", (double)f->quality, "flaws",
                          (int)f->flaws, "t", f->t1, f->t2, "track", f->track, "person", (json_int_t)f->person, "name",
                          json_text(name_of(j, f->person)));
    if (*crop) json_object_set_new(o, "thumbnail", json_text(crop));
    if (f->embedding) {
        json_t *values = json_array();
        for (int i = 0; i < j->dimension; i++) json_array_append_new(values,
                                                                     json_real((double)f->embedding[i]));
        json_object_set_new(o, "embedding", values);
    }
    print_json(o);
}

static void write_csv(const job *j, const gallery_face *f, const char *path, const char *crop)
{
    printf("%lld,", (long long)f->id);
    csv_field(path);
    printf(",%.1f,%.1f,%.1f,%.1f,%.3f,%.3f,%u,%.3f,%.3f,%d,%lld,", (double)f->box.x1, (double)f->box.y1,
           (double)f->box.x2, (double)f->box.y2, (double)f->score, (double)f->quality, f->flaws, f->t1, f->t2, f->track,
           (long long)f->person);
    csv_field(name_of(j, f->person));
    putchar(',');
    csv_field(crop);
    for (int i = 0; i < j->dimension && f->embedding; i++) printf(",%.7g", (double)f->embedding[i]);
    putchar('\n');
}

static bool export_face(void *context, const gallery_face *f, const char *path)
{
    job *j = context;
    char crop[4600] = "";
    if (j->s->folder && f->thumbnail) j->status = write_thumbnail(j, f, crop, sizeof crop, j->err);
    if (j->status) return false;
    if (j->s->format == 0) write_json(j, f, path, crop);
    else write_csv(j, f, path, crop);
    return true;
}

static cyg_status export(gallery *g, const settings *s, cyg_error *err)
{
    job j = { .s = s, .dimension = gallery_made_by(g)->dimension, .err = err };
    const int with = (s->embeddings ? GALLERY_EMBEDDINGS : 0) | (s->folder ? GALLERY_THUMBNAILS : 0);
    cyg_status status = s->folder ? make_folder(s->folder, err) : CYG_OK;
    if (!status) status = gallery_each_person(g, take_person, &j, err);
    if (!status) status = j.status;
    if (!status && s->format == 1)
        puts("id,path,x1,y1,x2,y2,score,quality,flaws,t1,t2,track,person,name,thumbnail");
    if (!status) status = gallery_each_face(g, NULL, with, export_face, &j, err);
    for (size_t i = 0; i < j.count; i++) free(j.people[i].name);
    free(j.people);
    return status ? status : j.status;
}

int export_run(int argc, char **argv)
{
    verb v;
    settings s;
    cyg_error err;
    gallery *g;
    if (!verb_begin(&v, &export_app, &s, argc, argv, 1, 1)) return v.code;
    cyg_status status = gallery_open(&g, v.words[0], GALLERY_READ, NULL, 0, &err);
    if (!status) status = export(g, &s, &err);
    gallery_close(g);
    verb_end(&v);
    return status ? faces_gallery_failed(&err) : FACES_DONE;
}
