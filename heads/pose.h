/* pose.h - the inside of the pose head, for its test. */
#ifndef CYG_POSE_H
#define CYG_POSE_H

#include "heads.h"

typedef struct cyg_pose cyg_pose;

/* The four maps of the last pass, [rows][columns][channels] as pose.c says; writable. */
typedef struct cyg_pose_maps { float *heat, *offsets, *forward, *backward; } cyg_pose_maps;

cyg_pose_maps cyg_pose_last(cyg_pose *pose);
/* Poses of those maps: all of run() but the convolutions. */
void cyg_pose_find(cyg_pose *pose, const cyg_region *region, cyg_result *out);

#endif
