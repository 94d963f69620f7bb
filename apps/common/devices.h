/* devices.h - the cameras of this machine (Video4Linux2). */
#ifndef DEVICES_H
#define DEVICES_H

#include <stdbool.h>
#include <stdio.h>

enum { DEVICE_PATH = 32 };          /* bytes of "/dev/video0" and its like */

/* From now on video_source_open reads cameras. Call before any other thread begins. */
void devices_enable(void);

/* The first camera that can be opened, its path into path; false: there is none. */
bool devices_first(char path[DEVICE_PATH]);
/* Writes each camera, if asked with its formats, sizes and rates, to out, and what may be one but cannot be
 * opened; returns how many cameras there are. */
int  devices_list(FILE *out, bool formats);

#endif
