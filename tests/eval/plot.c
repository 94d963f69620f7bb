/* plot.c - two panels with logarithmic x side by side, a line through each series, labels that keep apart. */
#include "plot.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 1120, HEIGHT = 560, TOP = 104, BOTTOM = 70, LEFT = 78, GAP = 86, RIGHT = 34, PANELS = 2, MOST = 64 };

static const char *const colours[PLOT_SERIES] = { "#0072B2", "#D55E00", "#009E73" };   /* Okabe and Ito */

typedef struct box { double x1, y1, x2, y2; } box;

typedef struct panel {
    const plot *plot;
    FILE       *out;
    int         which;
    double      x1, x2, y1, y2;         /* of the frame, pixels; y1 is its top */
    double      low, high;              /* of log10 x */
    double      bottom, top;            /* of y */
    box         taken[2 * MOST];        /* marks, then labels */
    int         taken_count;
} panel;

static double at_x(const panel *p, double x)
{
    return p->x1 + (log10(x) - p->low) / (p->high - p->low) * (p->x2 - p->x1);
}

static double at_y(const panel *p, double y)
{
    return p->y2 - (y - p->bottom) / (p->top - p->bottom) * (p->y2 - p->y1);
}

/* Text as XML may hold it. */
static void put_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '<') fputs("&lt;", out);
        else if (*text == '&') fputs("&amp;", out);
        else putc(*text, out);
    }
}

static void say(FILE *out, double x, double y, const char *anchor, const char *kind, const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor, kind);
    put_text(out, text);
    fputs("</text>\n", out);
}

/* ---- Axes ---------------------------------------------------------------------------- */

static void measure(panel *p)
{
    double low = INFINITY, high = -INFINITY, bottom = INFINITY, top = -INFINITY;
    for (int i = 0; i < p->plot->count; i++) {
        const plot_point *point = &p->plot->points[i];
        low = fmin(low, log10(point->x[p->which]));
        high = fmax(high, log10(point->x[p->which]));
        bottom = fmin(bottom, point->y);
        top = fmax(top, point->y);
    }
    p->low = low - .12 * (high - low + .1);
    p->high = high + .12 * (high - low + .1);
    p->bottom = fmax(floor((bottom - 1) / 10) * 10, 0);
    p->top = fmin(ceil((top + 1) / 10) * 10, 100);
}

static void draw_y_axis(const panel *p)
{
    for (double y = p->bottom; y <= p->top + .1; y += 10) {
        char text[16];
        snprintf(text, sizeof text, "%.0f %%", y);
        fprintf(p->out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", p->x1, at_y(p, y), p->x2);
        say(p->out, p->x1 - 8, at_y(p, y) + 4, "end", "tick", text);
    }
}

static void draw_x_axis(const panel *p)
{
    static const double steps[] = { 1, 2, 5 };
    for (int decade = -4; decade < 8; decade++)
        for (int i = 0; i < 3; i++) {
            const double x = steps[i] * pow(10, decade);
            if (log10(x) < p->low || log10(x) > p->high) continue;
            char text[16];
            snprintf(text, sizeof text, "%g", x);
            fprintf(p->out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", at_x(p, x), p->y1, p->y2);
            say(p->out, at_x(p, x), p->y2 + 20, "middle", "tick", text);
        }
    say(p->out, (p->x1 + p->x2) / 2, p->y2 + 46, "middle", "name", p->plot->x_name[p->which]);
}

/* ---- Points ---------------------------------------------------------------------------- */

static void draw_mark(FILE *out, int series, double x, double y)
{
    fprintf(out, "<g fill=\"%s\" stroke=\"#fff\" stroke-width=\"1.5\">", colours[series]);
    if (series == 0) fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"6\"/>", x, y);
    else if (series == 1) fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"11\" height=\"11\"/>", x - 5.5, y - 5.5);
    else fprintf(out, "<path d=\"M%.1f %.1fl7 12h-14z\"/>", x, y - 7);
    fputs("</g>\n", out);
}

/* Of { the second cost, x, y }. */
static int compare_cost(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* From point to point of a series, in both panels in the order of the second cost. */
static void draw_line(const panel *p, int series)
{
    double places[MOST][3];
    int count = 0;
    for (int i = 0; i < p->plot->count && count < MOST; i++) {
        const plot_point *point = &p->plot->points[i];
        if (point->series != series) continue;
        places[count][0] = point->x[1];
        places[count][1] = at_x(p, point->x[p->which]);
        places[count++][2] = at_y(p, point->y);
    }
    qsort(places, (size_t)count, sizeof places[0], compare_cost);
    fprintf(p->out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" stroke-opacity=\".45\" d=\"",
            colours[series]);
    for (int i = 0; i < count; i++) fprintf(p->out, "%c%.1f %.1f", i ? 'L' : 'M', places[i][1], places[i][2]);
    fputs("\"/>\n", p->out);
}

static double clash(const panel *p, box b)
{
    double sum = 0;
    for (int i = 0; i < p->taken_count; i++) {
        const double width = fmin(b.x2, p->taken[i].x2) - fmax(b.x1, p->taken[i].x1);
        const double height = fmin(b.y2, p->taken[i].y2) - fmax(b.y1, p->taken[i].y1);
        if (width > 0 && height > 0) sum += width * height;
    }
    if (b.x1 < p->x1 || b.x2 > p->x2 || b.y1 < p->y1 || b.y2 > p->y2) sum += 1e4;
    return sum;
}

/* A point before it, close by, says the same. */
static bool is_said(const panel *p, int i)
{
    const plot_point *own = &p->plot->points[i];
    for (int k = 0; k < i; k++) {
        const plot_point *other = &p->plot->points[k];
        if (!strcmp(other->label, own->label) && hypot(at_x(p, other->x[p->which]) - at_x(p, own->x[p->which]),
                                                       at_y(p, other->y) - at_y(p, own->y)) < 22) return true;
    }
    return false;
}

/* Beside its mark, where it covers least of the others. */
static void draw_label(panel *p, const plot_point *point)
{
    static const struct { double x, y; const char *anchor; } tries[] = {
        { 11, 4, "start" }, { -11, 4, "end" }, { 0, -12, "middle" }, { 0, 22, "middle" }, { 10, -9, "start" },
        { 10, 18, "start" }, { -10, -9, "end" }, { -10, 18, "end" },
    };
    const double x = at_x(p, point->x[p->which]), y = at_y(p, point->y), length = 6.9 * (double)strlen(point->label);
    double least = INFINITY;
    int best = 0;
    box chosen = { 0, 0, 0, 0 };
    for (int i = 0; i < 8; i++) {
        const char anchor = *tries[i].anchor;
        const double begin = x + tries[i].x - (anchor == 'e' ? length : anchor == 'm' ? length / 2 : 0);
        const box b = { begin, y + tries[i].y - 12, begin + length, y + tries[i].y + 3 };
        const double cost = clash(p, b);
        if (!(cost < least)) continue;
        least = cost;
        best = i;
        chosen = b;
    }
    p->taken[p->taken_count++] = chosen;
    say(p->out, x + tries[best].x, y + tries[best].y, tries[best].anchor, "label", point->label);
}

static void draw_panel(panel *p)
{
    measure(p);
    draw_y_axis(p);
    draw_x_axis(p);
    fprintf(p->out, "<path fill=\"none\" stroke=\"#555\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n", p->x1, p->y1, p->y2, p->x2);
    for (int s = 0; s < PLOT_SERIES; s++) draw_line(p, s);
    for (int i = 0; i < p->plot->count; i++) {
        const plot_point *point = &p->plot->points[i];
        const double x = at_x(p, point->x[p->which]), y = at_y(p, point->y);
        draw_mark(p->out, point->series, x, y);
        p->taken[p->taken_count++] = (box){ x - 8, y - 8, x + 8, y + 8 };
    }
    for (int i = 0; i < p->plot->count; i++)
        if (!is_said(p, i)) draw_label(p, &p->plot->points[i]);
}

/* ---- All ------------------------------------------------------------------------------- */

static void draw_head(const plot *p, FILE *out)
{
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
            "font-family=\"DejaVu Sans, Verdana, sans-serif\">\n<style>.title{font-size:20px;font-weight:bold;"
            "fill:#111}.sub{font-size:13px;fill:#555}.tick{font-size:12px;fill:#444}.name{font-size:13px;fill:#111}"
            ".label{font-size:12px;fill:#111;stroke:#fff;stroke-width:3px;stroke-linejoin:round;paint-order:stroke}"
            ".grid{stroke:#e3e3e3;fill:none}</style>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT);
    say(out, LEFT, 34, "start", "title", p->title);
    say(out, LEFT, 56, "start", "sub", p->subtitle);
    double x = LEFT + 6;
    for (int s = 0; s < PLOT_SERIES; s++) {
        if (!p->series[s]) continue;
        draw_mark(out, s, x, 78);
        say(out, x + 13, 82, "start", "sub", p->series[s]);
        x += 44 + 7.6 * (double)strlen(p->series[s]);
    }
}

bool plot_write(const plot *p, const char *path)
{
    FILE *out = fopen(path, "w");
    if (!out || p->count > MOST) return false;
    draw_head(p, out);
    const double width = (WIDTH - LEFT - GAP - RIGHT) / PANELS;
    for (int i = 0; i < PANELS; i++) {
        const double x = LEFT + i * (width + GAP);
        panel one = { .plot = p, .out = out, .which = i, .x1 = x, .x2 = x + width, .y1 = TOP, .y2 = HEIGHT - BOTTOM };
        draw_panel(&one);
    }
    fprintf(out, "<text transform=\"translate(22 %d) rotate(-90)\" text-anchor=\"middle\" class=\"name\">",
            (TOP + HEIGHT - BOTTOM) / 2);
    put_text(out, p->y_name);
    fputs("</text>\n</svg>\n", out);
    return fclose(out) == 0;
}
