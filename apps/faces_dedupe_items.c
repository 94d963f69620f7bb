/* faces_dedupe_items.c - every file and face of a gallery in memory, and orders among them. */
#include "faces_dedupe.h"
#include <stdlib.h>
#include <string.h>

bool items_grow(void **list, int count, int *room, size_t size)
{
    if (count < *room) return true;
    const int more = *room ? *room * 2 : 256;
    void *grown = realloc(*list, (size_t)more * size);
    if (!grown) return false;
    *list = grown;
    *room = more;
    return true;
}

static bool take_file(void *context, const gallery_file *f)
{
    items *it = context;
    const bool room = items_grow((void **)&it->files, it->file_count, &it->file_room, sizeof *it->files);
    char *path = room ? strdup(f->path) : NULL;
    it->full = !path;
    if (it->full) return false;
    item_file *to = &it->files[it->file_count++];
    *to = (item_file){ .f = *f, .first = -1, .group = -1, .voter = -1 };
    to->f.path = path;
    return true;
}

static int by_id(const void *a, const void *b)
{
    const int64_t x = ((const item_file *)a)->f.id, y = ((const item_file *)b)->f.id;
    return (x > y) - (x < y);
}

static int file_of(const items *it, int64_t id)
{
    const item_file key = { .f = { .id = id } };
    const item_file *found = bsearch(&key, it->files, (size_t)it->file_count, sizeof key, by_id);
    return found ? (int)(found - it->files) : -1;
}

static bool take_face(void *context, const gallery_face *f, const char *path)
{
    items *it = context;
    const int file = file_of(it, f->file);
    if (file < 0) return true;
    it->full = !items_grow((void **)&it->faces, it->face_count, &it->face_room, sizeof *it->faces);
    if (it->full) return false;
    item_file *in = &it->files[file];
    const float w = (float)(in->f.width ? in->f.width : 1), h = (float)(in->f.height ? in->f.height : 1);
    it->faces[it->face_count++] = (item_face){
        .id = f->id, .person = f->person, .how = f->how, .file = file, .group = -1, .next = in->first,
        .quality = f->quality,
        .box = { f->box.x1 / w, f->box.y1 / h, f->box.x2 / w, f->box.y2 / h },
    };
    in->first = it->face_count - 1;
    return true;
}

int items_face(const items *it, int64_t id)
{
    int low = 0, high = it->face_count;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (it->faces[middle].id < id) low = middle + 1;
        else high = middle;
    }
    return low < it->face_count && it->faces[low].id == id ? low : -1;
}

/* The largest; of faces the clearest. */
int items_larger(const void *a, const void *b, void *context)
{
    const items *it = context;
    const item_file *x = &it->files[*(const int *)a], *y = &it->files[*(const int *)b];
    const int64_t area = (int64_t)y->f.width * y->f.height - (int64_t)x->f.width * x->f.height;
    if (area) return area > 0 ? 1 : -1;
    if (x->f.size != y->f.size) return x->f.size > y->f.size ? -1 : 1;
    return strcmp(x->f.path, y->f.path);
}

int items_clearer(const void *a, const void *b, void *context)
{
    const items *it = context;
    const item_face *x = &it->faces[*(const int *)a], *y = &it->faces[*(const int *)b];
    if (x->quality != y->quality) return x->quality > y->quality ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

int items_by_bytes(const void *a, const void *b, void *context)
{
    const items *it = context;
    const int x = *(const int *)a, y = *(const int *)b, order = strcmp(it->files[x].f.sha256, it->files[y].f.sha256);
    return order ? order : x - y;
}

cyg_status items_read(items *it, gallery *g, cyg_error *err)
{
    *it = (items){ 0 };
    cyg_status status = gallery_each_file(g, NULL, take_file, it, err);
    if (!status && it->full) status = cyg_fail(err, CYG_NO_MEMORY, "out of memory for so many files");
    if (!status && it->file_count) qsort(it->files, (size_t)it->file_count, sizeof *it->files, by_id);
    if (!status) status = gallery_each_face(g, NULL, 0, take_face, it, err);
    if (!status && it->full) status = cyg_fail(err, CYG_NO_MEMORY, "out of memory for so many faces");
    return status;
}

void items_free(items *it)
{
    for (int i = 0; i < it->file_count; i++) free((char *)(uintptr_t)it->files[i].f.path);
    free(it->files);
    free(it->faces);
}
