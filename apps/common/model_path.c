/* model_path.c - a model's name becomes the path of its file. */
#include "model_path.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of the running program, without a slash at the end. */
static bool program_folder(char out[PATH_MAX])
{
    const ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (n <= 0) return false;
    out[n] = 0;
    *strrchr(out, '/') = 0;
    return true;
}

cyg_status model_path_find(char **out, const char *name, cyg_error *err)
{
    *out = NULL;
    if (strpbrk(name, "/.")) {
        *out = strdup(name);
        return *out ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", name);
    }
    char self[PATH_MAX] = "";
    program_folder(self);
    const char *told = getenv("CYGNET_MODELS");
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    const bool has_data = data && *data;
    const char *const places[][2] = {
        { told ? told : "", "" },
        { has_data ? data : home ? home : "", has_data ? "/cygnet/models" : "/.local/share/cygnet/models" },
        { self, "/../share/cygnet/models" }, { self, "/../../assets/models" },
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (!*places[i][0]) continue;
        if (asprintf(out, "%s%s/%s.safetensors", places[i][0], places[i][1], name) < 0) {
            *out = NULL;
            return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", name);
        }
        if (access(*out, R_OK) == 0) return CYG_OK;
        free(*out);
        *out = NULL;
    }
    return cyg_fail(err, CYG_NOT_FOUND, "model %s: no %s.safetensors is installed; --model FILE or "
                    "CYGNET_MODELS=FOLDER names another place", name, name);
}
