/* heads.h - feature maps in, answers out.
 *
 *     cyg_head *ssd;  cyg_head_create(&ssd, net, "ssd", NULL, &err);
 *     cyg_result found;
 *     cyg_head_run(ssd, maps, &found);            // found.detections[0 .. found.count)
 *
 * A head sees only the model file and the maps of a pass - never the image, never
 * another head. To add one: write heads/NAME.c ending in one const cyg_head_type
 * (head.h), add its line to the list in heads.c, and its test.
 *
 * Ownership, threads, errors, units: as in backbone.h. A cyg_head holds scratch
 * memory: one thread at a time each.
 */
#ifndef CYG_HEADS_H
#define CYG_HEADS_H

#include "backbone.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CYG_MAX_DETECTIONS = 256, CYG_MAX_ATTRIBUTES = 16, CYG_MAX_EMBEDDING = 2048, CYG_MAX_CLASSES = 100 };
enum { CYG_MAX_POINTS = 17, CYG_MAX_BONES = 24 };

/* A place of what was found: a person's left elbow. */
typedef struct cyg_key_point {
    float x, y;                 /* image pixels; may be outside of the image */
    float score;                /* 0 .. 1 */
} cyg_key_point;

typedef struct cyg_detection {
    cyg_box       box;          /* image pixels; not clipped to the image */
    float         score;        /* 0 .. 1 */
    int           label;        /* index into cyg_head_label */
    cyg_key_point points[CYG_MAX_POINTS];       /* as cyg_head_skeleton says; none without one */
} cyg_detection;

typedef struct cyg_bone { int from, to; } cyg_bone;

/* What the points of all detections of a head are, and which of them belong together. */
typedef struct cyg_skeleton {
    int         point_count, bone_count;
    const char *points[CYG_MAX_POINTS];         /* "left_elbow"; texts live as long as the model */
    cyg_bone    bones[CYG_MAX_BONES];
    float       threshold;      /* points that score less are not worth showing */
} cyg_skeleton;

/* One thing that is said of the region: which of some labels, or how much of something. */
typedef struct cyg_attribute {
    const char *name;           /* "gender", "age"; texts live as long as the model */
    const char *label;          /* the likeliest, "male"; NULL: the answer is a number */
    float       probability;    /* of the label, 0 .. 1; of a number: 1 */
    const char *unit;           /* of value, "years"; "" without one */
    float       value;          /* the number; of a label: which one, from 0 */
    float       deviation;      /* standard deviation of the number, as the network sees it */
} cyg_attribute;

/* One of the classes that the whole region may be of. */
typedef struct cyg_class {
    int   label;                /* index into cyg_head_label */
    float score;                /* 0 .. 1; of a softmax all classes' make 1 */
} cyg_class;

typedef enum cyg_result_kind { CYG_DETECTIONS, CYG_ATTRIBUTES, CYG_EMBEDDING, CYG_CLASSES } cyg_result_kind;

/* Plain data of fixed size: copy it, queue it. */
typedef struct cyg_result {
    cyg_result_kind kind;
    int             count;      /* how many of the array below are meant */
    union {
        cyg_detection detections[CYG_MAX_DETECTIONS];   /* by falling score, after NMS */
        cyg_attribute attributes[CYG_MAX_ATTRIBUTES];   /* in the order of the model file */
        float         embedding[CYG_MAX_EMBEDDING];     /* of length 1, or all 0; compare with cyg_cosine */
        cyg_class     classes[CYG_MAX_CLASSES];         /* the likeliest, by falling score */
    };
} cyg_result;

typedef struct cyg_head cyg_head;

/* What a caller may set over the model file's own values; 0 (all of it) = the model's.
 * For detections, and how many classes; other heads have nothing to set. */
typedef struct cyg_head_params {
    float threshold;            /* keep scores strictly above, 0 < t < 1 */
    float overlap;              /* NMS drops a box whose IoU with a better one is strictly above */
    int   max_count;            /* 1 .. CYG_MAX_DETECTIONS; of classes: up to CYG_MAX_CLASSES */
} cyg_head_params;

/* The head of that type in net's model file; net must outlive it. CYG_NOT_FOUND (the
 * model has none), CYG_FORMAT (its settings or tensors do not fit), CYG_ARGUMENT, CYG_NO_MEMORY. */
CYG_API CYG_MUST_USE cyg_status cyg_head_create(cyg_head **out, const cyg_backbone *net, const char *type,
                                                const cyg_head_params *params, cyg_error *err);
CYG_API void            cyg_head_free(cyg_head *head);
CYG_API cyg_result_kind cyg_head_kind(const cyg_head *head);
CYG_API int             cyg_head_label_count(const cyg_head *head);
CYG_API const char     *cyg_head_label(const cyg_head *head, int label);    /* UTF-8; "?" if out of range */
/* Lives as long as the head; NULL: its detections have no points. */
CYG_API const cyg_skeleton *cyg_head_skeleton(const cyg_head *head);
/* The type of the first head in net's model file that gives such results; NULL if there is none. */
CYG_API const char     *cyg_head_find(const cyg_backbone *net, cyg_result_kind kind);

/* Reads the maps of the last pass. Allocates nothing, cannot fail. */
CYG_API void cyg_head_run(cyg_head *head, const cyg_features *maps, cyg_result *out);

/* ---- Embeddings: are two regions of the same person? ------------------------------ */

/* Of two embeddings [count]: -1 .. 1, 0 if one of them is all 0. */
CYG_API float cyg_cosine(const float *a, const float *b, int count);

/* How often two regions that do not belong together are at least this much alike. */
typedef struct cyg_false_match {
    float rate;                 /* 0 .. 1 */
    bool  below;                /* true: less than `rate`, which is the smallest that was measured */
} cyg_false_match;

/* What a cosine stands for, on the curve that was measured for the model and is stored in its
 * file, with what it was measured on. Falls as the cosine rises; between the points of the curve
 * the logarithm of the rate is linear; never a smaller rate than the curve's last. False: the
 * head is no embedding, or its file has no curve. */
CYG_API bool cyg_head_false_match(const cyg_head *head, float cosine, cyg_false_match *out);
/* The lowest cosine that stands for this rate; false also if the curve does not reach so low. */
CYG_API bool cyg_head_threshold(const cyg_head *head, float rate, float *cosine);

#ifdef __cplusplus
}
#endif
#endif
