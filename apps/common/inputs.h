/* inputs.h - what the words of a command line mean: the source grammar of all programs.
 *
 *     clip.mp4 photo.jpg    a file, whatever its name ends in
 *     folder/               every video and picture below it, known by its ending; hidden
 *                           files and *_annotated.* are passed over; links are followed,
 *                           never in a circle; pipes and devices are never opened
 *     'shots*.jpg'          a glob, if no file has that very name
 *     list.txt              one of the other words a line
 *     rtsp://... http://    a stream
 *     0 or /dev/video0      a camera
 *     test:640x480@25       a moving pattern (video.h)
 *     -                     standard input
 *
 * Words keep their order; a folder and a glob are sorted as people count (2 before 10).
 */
#ifndef INPUTS_H
#define INPUTS_H

#include "backbone.h"

typedef enum input_kind { INPUT_FILE, INPUT_STREAM, INPUT_STDIN, INPUT_CAMERA, INPUT_PATTERN } input_kind;

typedef struct input {
    input_kind kind;
    char *path;                 /* what to open: a path, an URL, "-", "/dev/video0", "test:" */
    char *tree;                 /* the path below the folder that was named: "2023/a.mp4"; else the name alone */
    char *problem;              /* a sentence: it cannot be an input; NULL = try it */
} input;

typedef struct inputs {
    input  *items;
    size_t  count, capacity;
    int64_t ignored;            /* files of folders whose ending is not known */
    int64_t annotated;          /* files of folders that are outputs of this program */
    bool    several;            /* a word named more than one input, or there was more than one word */
} inputs;

/* Adds what the words name. What cannot be found becomes an input with a problem.
 * CYG_NO_MEMORY. inputs_free in every case. */
CYG_MUST_USE cyg_status inputs_find(inputs *out, const char *const *words, int count, cyg_error *err);
void inputs_free(inputs *in);

/* By its ending: ".mp4", ".mjpeg" ... */
bool input_is_video(const char *path);
bool input_is_picture(const char *path);

#endif
