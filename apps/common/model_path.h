/* model_path.h - where the model files of the programs are. */
#ifndef MODEL_PATH_H
#define MODEL_PATH_H

#include "backbone.h"

/* A name with a slash or an ending is a path. A bare name is NAME.safetensors in the first
 * of these that has it: $CYGNET_MODELS, $XDG_DATA_HOME/cygnet/models or else
 * ~/.local/share/cygnet/models (the user's own), ../share/cygnet/models beside the program's
 * folder (installed), ../../assets/models (built in place). malloc'ed. CYG_NOT_FOUND, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status model_path_find(char **out, const char *name, cyg_error *err);

#endif
