/* model.c - cygnet-model: makes model files, shows what is in them, measures how fast they run. */
#include "model.h"
#include "text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const options_app *const apps[] = {
    &convert_app, &info_app, &bench_app, &classify_app, &embed_app, &quantize_app, NULL
};
static int (*const runs[])(int argc, char **argv) = {
    convert_run, info_run, bench_run, classify_run, embed_run, quantize_run
};

int complain(int code, const cyg_error *err)
{
    char shown[sizeof err->message * TEXT_GROWTH];      /* a file's name may hold anything */
    text_clean(shown, sizeof shown, err->message, TEXT_TERMINAL);
    fprintf(stderr, "cygnet-model: %s\n", shown);
    return code;
}

int main(int argc, char **argv)
{
    static const options_program program = {
        .name = "cygnet-model",
        .summary = "make model files of published networks, show what is in them, measure how fast they run",
        .verbs = apps,
    };
    int verb;
    cyg_error err;
    const cyg_status status = options_verb(&verb, &program, argc, argv, &err);
    if (status == CYG_END) return EXIT_SUCCESS;
    if (status) return complain(EXIT_USAGE, &err);
    const int code = runs[verb](argc - 1, argv + 1);
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    cyg_fail(&err, CYG_IO, "standard output: cannot be written: %s", strerror(errno));
    return complain(EXIT_OUTPUT, &err);
}
