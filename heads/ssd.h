/* ssd.h - the parts of the SSD head, for ssd*.c and their tests. */
#ifndef CYG_SSD_H
#define CYG_SSD_H

#include "anchors.h"
#include "heads.h"
#include "ops.h"

typedef struct cyg_ssd_map {
    const char *tap, *boxes, *scores;   /* names, in the model */
} cyg_ssd_map;

/* What the model file says; its keys: ssd.c. */
typedef struct cyg_ssd_settings {
    cyg_ssd_map     maps[CYG_MAX_LEVELS];       /* anchors.level_count of them */
    cyg_anchor_rule anchors;
    int             label_count, classes, first_class;
    bool            softmax;
    float           box_scale[4];               /* of y, x, height, width */
    float           threshold, overlap;
    int             max_count;
} cyg_ssd_settings;

cyg_status cyg_ssd_settings_read(cyg_ssd_settings *out, const json_t *json, const char *path, cyg_error *err);

typedef struct cyg_ssd cyg_ssd;

/* What a pass left behind; valid until the next. Lives in the head. */
typedef struct cyg_ssd_raw {
    int               anchor_count, classes;
    const cyg_anchor *anchors;          /* [anchor_count] */
    const float      *encodings;        /* [anchor_count][4]: y, x, height, width */
    const float      *logits;           /* [anchor_count][classes] */
} cyg_ssd_raw;

cyg_ssd_raw cyg_ssd_last(const cyg_ssd *ssd);
/* The second half of a run: from encodings and logits to detections, in input pixels. */
void        cyg_ssd_find(cyg_ssd *ssd, cyg_result *out);

/* The box of an encoding; scale as box_scale. Not finite if the encoding is absurd. */
cyg_box cyg_ssd_decode(cyg_anchor anchor, const float encoding[4], const float scale[4]);

#endif
