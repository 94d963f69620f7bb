/* eval.h - what the measurements share: every picture of a folder through a pipeline, on two threads. */
#ifndef EVAL_H
#define EVAL_H

#include "pipeline.h"

typedef struct eval_files {
    char **names;               /* by rising name, without the folder */
    int    count;
} eval_files;

/* All files of FOLDER; what cannot be read ends the program with a sentence. */
eval_files eval_list(const char *folder);
/* The place of a name; -1 if there is none. */
int        eval_find(const eval_files *files, const char *name);
void       eval_free(eval_files *files);

/* Reads every picture of the folder and calls visit for it, in any order, on two threads, each with
 * a pipeline of its own. Pictures that cannot be read are skipped, with a sentence. */
enum { EVAL_THREADS = 2 };
typedef void eval_visit(void *context, int thread, int i, pipeline *p, frame *f);
void eval_run(const char *folder, const eval_files *files, const pipeline_options *options, eval_visit *visit,
              void *context);

/* The models under MODELS, looked at as photos are. */
pipeline_options eval_options(const char *models);

/* The person of the name is the one in the middle; what is far from it, or doubtful, counts less. NULL: no face. */
const object *eval_central(const frame *f);

/* The describer by itself, for crops that no program makes. */
typedef struct eval_describer {
    cyg_model    *model;
    cyg_backbone *backbone;
    cyg_features *maps[EVAL_THREADS];
    cyg_head     *attributes[EVAL_THREADS], *embedding[EVAL_THREADS];
} eval_describer;

eval_describer *eval_describer_open(const char *path);
void            eval_describer_close(eval_describer *d);
/* Leaves the maps of the square around box in maps[thread], for the heads. */
void            eval_describe(const eval_describer *d, int thread, const cyg_image *image, cyg_box box, float scale,
                              bool mirrored);

#endif
