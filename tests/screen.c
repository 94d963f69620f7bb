/* screen.c - what the scripts of cygnet-view see by: the X screen, and comparisons of pictures (PPM, P6).
 *
 *     screen shot FILE             the whole screen into FILE
 *     screen close                 asks the window on it to close, as its close button would
 *     screen pixel A X Y           "R G B" of that one
 *     screen content A             "X Y WIDTH HEIGHT" of what is not black
 *     screen differ A B            the same of what differs; "0 0 0 0" if nothing does
 *     screen mirrored A B          fails unless B's content is A's with left and right exchanged
 *     screen outside A B X1 Y1 X2 Y2 ...     how many pixels differ outside of these boxes
 */
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct picture {
    int      width, height;
    uint8_t *rgb;               /* [height][width][3] */
} picture;

typedef struct box { int x1, y1, x2, y2; } box;         /* x2, y2 exclusive */

static void die(const char *why, const char *what)
{
    fprintf(stderr, "screen: %s: %s\n", what, why);
    exit(2);
}

static picture make(int width, int height)
{
    picture p = { width, height, malloc((size_t)width * (size_t)height * 3) };
    if (!p.rgb) die("out of memory", "picture");
    return p;
}

static picture read_ppm(const char *path)
{
    int width = 0, height = 0, most = 0;
    FILE *file = fopen(path, "rb");
    if (!file || fscanf(file, "P6 %d %d %d", &width, &height, &most) != 3 || most != 255 || width < 1 || height < 1)
        die("no PPM file", path);
    getc(file);
    picture p = make(width, height);
    if (fread(p.rgb, 3, (size_t)width * (size_t)height, file) != (size_t)width * (size_t)height) die("cut short", path);
    fclose(file);
    return p;
}

static void write_ppm(const char *path, const picture *p)
{
    FILE *file = fopen(path, "wb");
    if (!file) die("cannot be written", path);
    fprintf(file, "P6\n%d %d\n255\n", p->width, p->height);
    fwrite(p->rgb, 3, (size_t)p->width * (size_t)p->height, file);
    if (fclose(file) != 0) die("cannot be written", path);
}

/* ---- the screen ------------------------------------------------------------------------------- */

static void shoot(Display *d, const char *path)
{
    XWindowAttributes root;
    XGetWindowAttributes(d, DefaultRootWindow(d), &root);
    XImage *image = XGetImage(d, DefaultRootWindow(d), 0, 0, (unsigned)root.width, (unsigned)root.height, AllPlanes,
                              ZPixmap);
    if (!image) die("cannot be read", "screen");
    picture p = make(root.width, root.height);
    for (int y = 0; y < p.height; y++)
        for (int x = 0; x < p.width; x++) {
            const unsigned long pixel = XGetPixel(image, x, y);
            uint8_t *to = p.rgb + 3 * ((size_t)y * (size_t)p.width + (size_t)x);
            for (int i = 0; i < 3; i++) to[i] = (uint8_t)(pixel >> (16 - 8 * i));
        }
    XDestroyImage(image);
    write_ppm(path, &p);
    free(p.rgb);
}

static void close_window(Display *d)
{
    Window root, parent, *children = NULL;
    unsigned count = 0;
    const Atom protocols = XInternAtom(d, "WM_PROTOCOLS", False), ask = XInternAtom(d, "WM_DELETE_WINDOW", False);
    XQueryTree(d, DefaultRootWindow(d), &root, &parent, &children, &count);
    for (unsigned i = 0; i < count; i++) {
        XEvent e = { .xclient = { .type = ClientMessage, .window = children[i], .message_type = protocols, .format = 32,
                                  .data.l = { (long)ask } } };
        XSendEvent(d, children[i], False, NoEventMask, &e);
    }
    if (children) XFree(children);
    XFlush(d);
}

/* ---- comparisons ------------------------------------------------------------------------------- */

static const uint8_t *at(const picture *p, int x, int y)
{
    return p->rgb + 3 * ((size_t)y * (size_t)p->width + (size_t)x);
}

static void print_pixel(const picture *p, int x, int y)
{
    if (x < 0 || y < 0 || x >= p->width || y >= p->height) die("outside of the picture", "pixel");
    printf("%d %d %d\n", at(p, x, y)[0], at(p, x, y)[1], at(p, x, y)[2]);
}

static void include(box *b, int x, int y)
{
    if (b->x2 == 0) *b = (box){ x, y, x + 1, y + 1 };
    if (x < b->x1) b->x1 = x;
    if (x >= b->x2) b->x2 = x + 1;
    if (y >= b->y2) b->y2 = y + 1;
}

static box content(const picture *p)
{
    box b = { 0 };
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++)
            if (at(p, x, y)[0] > 8 || at(p, x, y)[1] > 8 || at(p, x, y)[2] > 8) include(&b, x, y);
    return b;
}

static void print_box(box b)
{
    printf("%d %d %d %d\n", b.x1, b.y1, b.x2 - b.x1, b.y2 - b.y1);
}

static void need_same_size(const picture *a, const picture *b)
{
    if (a->width != b->width || a->height != b->height) die("of another size", "second picture");
}

static void differ(const picture *a, const picture *b)
{
    box found = { 0 };
    need_same_size(a, b);
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++)
            if (memcmp(at(a, x, y), at(b, x, y), 3)) include(&found, x, y);
    print_box(found);
}

static bool is_mirrored(const picture *a, const picture *b)
{
    const box from = content(a), to = content(b);
    if (memcmp(&from, &to, sizeof from) || from.x2 == 0) return false;
    for (int y = from.y1; y < from.y2; y++)
        for (int x = from.x1; x < from.x2; x++)
            if (memcmp(at(a, x, y), at(b, from.x1 + from.x2 - 1 - x, y), 3)) return false;
    return true;
}

static bool is_within(int x, int y, char **boxes, int count)
{
    for (int i = 0; i + 3 < count; i += 4)
        if (x >= atof(boxes[i]) && y >= atof(boxes[i + 1]) && x < atof(boxes[i + 2]) && y < atof(boxes[i + 3]))
            return true;
    return false;
}

static long outside(const picture *a, const picture *b, char **boxes, int count)
{
    long found = 0;
    need_same_size(a, b);
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++)
            found += memcmp(at(a, x, y), at(b, x, y), 3) && !is_within(x, y, boxes, count);
    return found;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "shot") || !strcmp(what, "close")) {
        Display *d = XOpenDisplay(NULL);
        if (!d) die("cannot be reached", "display");
        if (argc > 2) shoot(d, argv[2]);
        else close_window(d);
        XCloseDisplay(d);
        return 0;
    }
    if (argc < 3) die("see screen.c", "arguments");
    int code = 0;
    const bool one = !strcmp(what, "pixel");
    picture a = read_ppm(argv[2]), b = argc > 3 && !one ? read_ppm(argv[3]) : (picture){ 0 };
    if (one) print_pixel(&a, argc > 3 ? atoi(argv[3]) : 0, argc > 4 ? atoi(argv[4]) : 0);
    else if (!strcmp(what, "content")) print_box(content(&a));
    else if (!strcmp(what, "differ")) differ(&a, &b);
    else if (!strcmp(what, "mirrored")) code = !is_mirrored(&a, &b);
    else if (!strcmp(what, "outside")) printf("%ld\n", outside(&a, &b, argv + 4, argc - 4));
    else die("see screen.c", what);
    free(a.rgb);
    free(b.rgb);
    return code;
}
