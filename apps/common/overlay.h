/* overlay.h - draws what is known of a frame into its pixels (Cairo, Pango), in every
 * format of cyg_image, touching only the pixels under what it draws.
 *
 * Each object gets a rounded outline with a thin dark halo, so that it reads on any
 * background, and a label on a plate of the same colour: above the box, below it if there
 * is no room, inside if there is none either; always within the picture. A label that
 * would cover one of a higher score is left out: the box stays. Boxes that are not finite
 * are left out. A class has its own colour, always the same: the first seven are told apart with
 * every kind of colour vision, ninety with good eyes.
 *
 * A label says who or what it is, "Ada" or "face"; "#3" is the number of its track; then what is
 * known of it, "female, 34 years"; last its score.
 *
 * Hiding makes what is in the box unrecognisable: a rounded shape a third larger than the box is
 * left with at most 8 x 8 values of each colour component (PIXELATE: as tiles; BLUR: with smooth
 * transitions between them), or is black (SOLID). Nothing of what was there survives but those
 * values; of a crowd of frames in which somebody moves they still tell more than one does, SOLID nothing.
 *
 * Labels are UTF-8 in any script that has a font; invalid bytes become U+FFFD. They are
 * kept from frame to frame, since shaping text is slow. The same frame gives the same
 * pixels on the same machine (fonts). One overlay a thread.
 */
#ifndef OVERLAY_H
#define OVERLAY_H

#include "frame.h"
#include "sprite.h"

typedef struct overlay overlay;

typedef enum overlay_hide { OVERLAY_SHOW, OVERLAY_BLUR, OVERLAY_PIXELATE, OVERLAY_SOLID } overlay_hide;

typedef struct overlay_options {
    bool  labels, scores;
    bool  numbers;                  /* of tracks */
    bool  no_boxes;
    bool  colour_tracks;            /* a colour for each track instead of each class */
    overlay_hide hide;              /* every object, before anything is drawn */
    float scale;                    /* of line width and text; 0 = 1 = sized to the picture */
    const char *font;               /* Pango family, copied; NULL = sans */
} overlay_options;

overlay *overlay_create(const overlay_options *options);    /* NULL: no memory */
void     overlay_free(overlay *o);
/* From now on; scale and font stay as they were created. */
void     overlay_set(overlay *o, const overlay_options *options);
/* Hides, then draws every object, those of higher score on top. Pixels outside of every object's
 * overlay_bounds stay as they are. */
void     overlay_draw(overlay *o, frame *f);
/* Only hides. */
void     overlay_cover(overlay *o, frame *f);
/* Only draws, as sprites, for a canvas of f->image.width x height; no pixel of f is touched. */
void     overlay_show(overlay *o, const frame *f, sprite_show *show, void *context);

/* The outline of one object alone, on the same canvas. */
void     overlay_show_box(overlay *o, const frame *f, const object *what, sprite_show *show, void *context);

/* Lines of text on a dark plate: what a window tells its user. */
typedef struct overlay_text {
    const char *text;               /* UTF-8; lines, each with at most one tab: then there are two columns */
    float       size;               /* of the font, pixels */
    int         width;              /* of a line before it is broken, pixels; 0 = as long as it is */
    bool        heading;            /* the first line stands out */
    bool        alarm;              /* on a red plate */
    bool        centred;
} overlay_text;

/* Painted once for as long as it stays in use. Lives until the next call; NULL: no memory. */
const sprite *overlay_panel(overlay *o, const overlay_text *text);

/* The pixels that drawing object i may change: x1, y1 inclusive, x2, y2 exclusive, in whole
 * chroma samples; all 0 = none. */
void     overlay_bounds(overlay *o, const frame *f, int i, int bounds[4]);

#endif
