/* model.h - the verbs of cygnet-model: each is a file model_VERB.c and a line in model.c. */
#ifndef MODEL_H
#define MODEL_H

#include "options.h"

enum { EXIT_USAGE = 2, EXIT_SOME = 3, EXIT_ALL = 4, EXIT_MODEL = 5, EXIT_OUTPUT = 6 };

/* A verb: its command line, and what it does. argv[0] is the verb's own name; returns the exit code. */
extern const options_app convert_app, info_app, bench_app, classify_app, embed_app, quantize_app;
int convert_run(int argc, char **argv);
int info_run(int argc, char **argv);
int bench_run(int argc, char **argv);
int classify_run(int argc, char **argv);
int embed_run(int argc, char **argv);
int quantize_run(int argc, char **argv);

/* Prints the sentence on stderr; returns code: return complain(EXIT_MODEL, &err); */
int complain(int code, const cyg_error *err);

#endif
