/* faces_enroll.c - cygnet-faces enroll: these photos are of this person. */
#include "faces_index.h"
#include <stddef.h>

static const option table[] = { INDEX_ROWS, { 0 } };

const options_app enroll_app = {
    .name = "cygnet-faces enroll",
    .summary = "say who somebody is by photos: the largest face of each is of that person",
    .usage = "[options] GALLERY NAME PHOTO...",
    .examples = "cygnet-faces enroll people.cygnet Ada ada1.jpg ada2.jpg\n"
                "cygnet-faces enroll people.cygnet 'Ada Lovelace' photos-of-ada/\n"
                "cygnet-faces enroll --poor people.cygnet Bob blurred.jpg",
    .exits = INDEX_EXITS,
    .table = table,
};

int enroll_run(int argc, char **argv)
{
    verb v;
    index_settings s;
    if (!verb_begin(&v, &enroll_app, &s, argc, argv, 3, -1)) return v.code;
    s.again = true;
    const int code = index_files(&s, v.words[0], v.words[1], v.words + 2, v.count - 2);
    verb_end(&v);
    return code;
}
