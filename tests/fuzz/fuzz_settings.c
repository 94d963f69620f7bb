/* fuzz_settings.c - any bytes as a settings file: settings within range, or one sentence. */
#include "options.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    double threshold, start;
    int    count, progress;
    bool   audio;
    const char *model, *font;
} settings;

static const option table[] = {
    { "model", "model", 'm', OPTION_TEXT, offsetof(settings, model), .argument = "FILE", .help = "the model file" },
    { "detect.threshold", "threshold", 't', OPTION_REAL, offsetof(settings, threshold), "0.5", 0, 1, .help = "score" },
    { "detect.max", "max", 0, OPTION_INT, offsetof(settings, count), "100", 1, 256, .help = "count" },
    { "input.start", "start", 0, OPTION_TIME, offsetof(settings, start), "0", 0, INFINITY, .help = "begin" },
    { "output.audio", "audio", 0, OPTION_FLAG, offsetof(settings, audio), "true", .help = "carry the sound over" },
    { "output.progress", "progress", 0, OPTION_CHOICE, offsetof(settings, progress), "auto",
      .choices = "auto|text|jsonl|none", .help = "how" },
    { "draw.font", NULL, 0, OPTION_TEXT, offsetof(settings, font), "Sans", .help = "family" },
    { 0 }
};

static const options_app app = { "cygnet-fuzz", "read settings", "", NULL, NULL, table };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    settings s;
    options *o;
    cyg_error err = { 0 };
    if (options_create(&o, &app, &s, &err)) abort();
    const cyg_status status = options_read_yaml(o, (const char *)data, size, "fuzz.yaml", &err);
    if (status && (status != err.status || !err.message[0])) abort();
    if (!(s.threshold >= 0 && s.threshold <= 1) || !(s.start >= 0) || !isfinite(s.start)) abort();
    if (s.count < 1 || s.count > 256 || s.progress < 0 || s.progress > 3) abort();
    if (!s.font[0] || (s.model && !s.model[0])) abort();
    options_free(o);
    return 0;
}
