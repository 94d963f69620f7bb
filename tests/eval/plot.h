/* plot.h - points of accuracy against two costs, as one SVG picture. */
#ifndef PLOT_H
#define PLOT_H

#include <stdbool.h>

enum { PLOT_SERIES = 3 };

typedef struct plot_point {
    char   label[40];           /* the same in both panels */
    int    series;              /* 0 .. PLOT_SERIES-1: its colour and mark */
    double x[2], y;             /* costs, above 0; y in per cent */
} plot_point;

typedef struct plot {
    const char *title, *subtitle, *y_name;
    const char *x_name[2];      /* of the left and the right panel; both axes are logarithmic */
    const char *series[PLOT_SERIES];    /* NULL: not there */
    const plot_point *points;
    int         count;
} plot;

/* False: the file cannot be written. */
bool plot_write(const plot *p, const char *path);

#endif
