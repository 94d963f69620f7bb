/* devices.h - the cameras of this machine (Video4Linux2). */
#ifndef DEVICES_H
#define DEVICES_H

#include <stdio.h>

/* From now on video_source_open reads cameras. Call before any other thread begins. */
void devices_enable(void);

/* Writes each camera with its formats, sizes and rates to out; returns how many there are. */
int  devices_list(FILE *out);

#endif
