/* model_images.c - opens a person's pictures, one after the other, and cuts the regions out of them. */
#include "model_images.h"
#include "inputs.h"
#include "pipeline.h"
#include "still.h"
#include <stdlib.h>

enum { MOST_PIXELS = 500000000 };

struct images {
    images_options   options;
    inputs           inputs;
    char           **paths;             /* [count], those of inputs that are tried */
    int              count;
    pipeline_models *models;            /* of the detector, or NULL */
    pipeline        *detector;
};

static cyg_status no_memory(cyg_error *err)
{
    return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
}

/* Of the inputs that are files, `most` of them, evenly. */
static cyg_status choose(images *in, cyg_error *err)
{
    int files = 0, taken = 0;
    for (size_t i = 0; i < in->inputs.count; i++) {
        const input *one = &in->inputs.items[i];
        if (one->problem) return cyg_fail(err, CYG_NOT_FOUND, "%s", one->problem);
        files += one->kind == INPUT_FILE;
    }
    if (!files)
        return cyg_fail(err, CYG_NOT_FOUND, "%s: found no pictures, expected some", in->options.words[0]);
    in->count = files < in->options.most ? files : in->options.most;
    in->paths = calloc((size_t)in->count, sizeof *in->paths);
    if (!in->paths) return no_memory(err);
    for (size_t i = 0, file = 0; i < in->inputs.count && taken < in->count; i++) {
        if (in->inputs.items[i].kind != INPUT_FILE) continue;
        if (file++ * (size_t)in->count / (size_t)files >= (size_t)taken) in->paths[taken++] = in->inputs.items[i].path;
    }
    in->count = taken;
    return CYG_OK;
}

cyg_status images_open(images **out, const images_options *options, cyg_error *err)
{
    *out = NULL;
    images *in = calloc(1, sizeof *in);
    if (!in) return no_memory(err);
    in->options = *options;
    cyg_status status = inputs_find(&in->inputs, options->words, options->word_count, err);
    if (!status) status = choose(in, err);
    if (!status && options->detector) {
        const pipeline_options detector = { .model = options->detector, .passes = PASSES_PORTRAIT };
        status = pipeline_models_open(&in->models, &detector, err);
        if (!status) status = pipeline_create(&in->detector, in->models, err);
    }
    if (status) images_close(in);
    else *out = in;
    return status;
}

void images_close(images *in)
{
    if (!in) return;
    pipeline_free(in->detector);
    pipeline_models_close(in->models);
    inputs_free(&in->inputs);
    free(in->paths);
    free(in);
}

static int show(const images *in, frame *f, const cyg_backbone *net, images_visit *visit, void *context)
{
    if (!in->detector) {
        visit(context, &f->image, cyg_region_letterbox(net, &f->image));
        return 1;
    }
    pipeline_detect(in->detector, f);
    for (int i = 0; i < f->object_count; i++)
        visit(context, &f->image, pipeline_crop(net, f->objects[i].box));
    return f->object_count;
}

cyg_status images_show(images *in, const cyg_backbone *net, images_visit *visit, void *context, int *seen,
                       cyg_error *err)
{
    int kept = 0;
    *seen = 0;
    for (int i = 0; i < in->count; i++) {
        frame *f = frame_create();
        if (!f) return no_memory(err);
        cyg_error why;
        const cyg_status status = still_read(f, in->paths[i], MOST_PIXELS, &why);
        if (!status) {
            *seen += show(in, f, net, visit, context);
            in->paths[kept++] = in->paths[i];
        } else {
            in->options.complain(why.message);
        }
        frame_free(f);
        if (status == CYG_NO_MEMORY) return no_memory(err);
    }
    in->count = kept;
    return CYG_OK;
}

int images_count(const images *in)
{
    return in->count;
}
