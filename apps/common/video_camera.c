/* video_camera.c - makes cameras known to FFmpeg. Only cygnet-view links this: FFmpeg's library of
 * devices brings in SDL and X11, which a server does not have. */
#include "devices.h"
#include <libavdevice/avdevice.h>

void devices_enable(void)
{
    avdevice_register_all();
}
