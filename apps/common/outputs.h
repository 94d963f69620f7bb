/* outputs.h - where the results of each input go, decided before any work.
 *
 * Beside the input, or below a folder with the tree of the input kept:
 *     clip.mov -> clip_annotated.mov, clip.jsonl
 * Two inputs of a run never write the same file: inputs that differ in their ending alone
 * keep it (clip.mov_annotated.mov, clip.mov.jsonl), and where that is not enough
 * the later input is refused.
 */
#ifndef OUTPUTS_H
#define OUTPUTS_H

#include "inputs.h"

typedef struct output {
    char *base;                 /* what the names of all outputs of an input begin with: "out/clip" */
    char *file;                 /* the video or picture that the user named; NULL = by base */
    char *problem;              /* a sentence: it cannot be written; NULL = fine */
} output;

/* (*out)[i] belongs to in->items[i]. target (-o): a folder, or the file of a single input
 * (it has an ending then); NULL = beside each input. CYG_ARGUMENT: the target does not fit
 * the inputs. CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status outputs_plan(output **out, const inputs *in, const char *target, cyg_error *err);
void outputs_free(output *out, size_t count);

/* The video or picture ("mp4": "out/clip_annotated.mp4", or the file that the user named), and
 * the records ("jsonl": "out/clip.jsonl"); malloc'ed. NULL: no memory. */
char *output_media(const output *out, const char *ending);
char *output_records(const output *out, const char *ending);

/* Fine to write there: no folder, no input of this run, nothing that overwrite does not
 * allow. Records that tell only of a failure may always be replaced. CYG_ARGUMENT. */
CYG_MUST_USE cyg_status output_check(const char *path, const inputs *in, bool overwrite, cyg_error *err);
/* Makes the folder that path will stand in, and those above it. CYG_IO, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status output_make_folder(const char *path, cyg_error *err);

#endif
