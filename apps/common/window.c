/* window.c - a window of SDL's: one texture for the picture, one for each thing that lies over it. */
#include "window.h"
#include "window_yuv.h"
#include <SDL.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 256 };                            /* textures of sprites */
enum { LEAST_SIDE = 240, LEAST_WIDTH = 960 };   /* of a window; of one that nobody has made smaller */

/* What a sprite has become. */
typedef struct kept_sprite {
    uint64_t     id, used;                      /* used: the drawing that last did; id 0 = empty */
    SDL_Texture *texture;
} kept_sprite;

struct window {
    SDL_Window   *window;
    SDL_Renderer *renderer;
    SDL_Texture  *picture;
    cyg_image     shown;                        /* size and format of it; no pixels */
    window_yuv    converted;
    kept_sprite   kept[KEPT];
    uint64_t      drawing;
    const char   *driver;
    Uint32        wake;                         /* the event of window_wake */
    atomic_bool   woken;                        /* one of them is on its way */
    bool          full_screen, typing;
};

/* ---- life ------------------------------------------------------------------------------------ */

/* As large as the picture, not much smaller than text needs, or as the screen has room for. */
static void fit_screen(int *width, int *height)
{
    SDL_Rect room = { 0, 0, 1280, 720 };
    const bool known = SDL_GetDisplayUsableBounds(0, &room) == 0;
    const double most_x = known ? room.w * .95 : room.w, most_y = known ? room.h * .9 : room.h;
    const double wanted = fmax(1, (double)LEAST_WIDTH / *width);
    const double scale = fmin(wanted, fmin(most_x / *width, most_y / *height));
    *width = (int)fmax(lround(*width * scale), LEAST_SIDE);
    *height = (int)fmax(lround(*height * scale), LEAST_SIDE);
}

/* Waiting for the screen's beat is for drivers that have one; drawing in memory has none. */
static SDL_Renderer *make_renderer(SDL_Window *on)
{
    SDL_RendererInfo info;
    SDL_Renderer *r = SDL_CreateRenderer(on, -1, SDL_RENDERER_PRESENTVSYNC);
    if (r && SDL_GetRendererInfo(r, &info) == 0 && !(info.flags & SDL_RENDERER_SOFTWARE)) return r;
    if (r) SDL_DestroyRenderer(r);
    return SDL_CreateRenderer(on, -1, 0);
}

static cyg_status open_all(window *w, const window_options *o, cyg_error *err)
{
    int width = o->width, height = o->height;
    SDL_RendererInfo info;
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");              /* they are stop.c's */
    SDL_SetHint(SDL_HINT_APP_NAME, o->title);
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0)
        return cyg_fail(err, CYG_IO, "no window: %s; --headless needs none", SDL_GetError());
    fit_screen(&width, &height);
    const Uint32 flags = SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI |
                         (o->full_screen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    w->full_screen = o->full_screen;
    w->window = SDL_CreateWindow(o->title, SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, width, height, flags);
    w->renderer = w->window ? make_renderer(w->window) : NULL;
    if (!w->renderer) return cyg_fail(err, CYG_IO, "no window: %s; --headless needs none", SDL_GetError());
    w->driver = SDL_GetRendererInfo(w->renderer, &info) == 0 ? info.name : "?";
    w->wake = SDL_RegisterEvents(1);
    SDL_SetWindowMinimumSize(w->window, LEAST_SIDE, LEAST_SIDE);
    SDL_SetRenderDrawBlendMode(w->renderer, SDL_BLENDMODE_BLEND);
    SDL_StopTextInput();
    return CYG_OK;
}

cyg_status window_open(window **out, const window_options *options, cyg_error *err)
{
    *out = NULL;
    if (SDL_WasInit(SDL_INIT_VIDEO)) return cyg_fail(err, CYG_BUSY, "there is a window already");
    window *w = calloc(1, sizeof *w);
    if (!w) return cyg_fail(err, CYG_NO_MEMORY, "out of memory for a window");
    const cyg_status status = open_all(w, options, err);
    if (status != CYG_OK) {
        window_close(w);
        return status;
    }
    *out = w;
    return CYG_OK;
}

void window_close(window *w)
{
    if (!w) return;
    for (int i = 0; i < KEPT; i++)
        if (w->kept[i].texture) SDL_DestroyTexture(w->kept[i].texture);
    if (w->picture) SDL_DestroyTexture(w->picture);
    if (w->renderer) SDL_DestroyRenderer(w->renderer);
    if (w->window) SDL_DestroyWindow(w->window);
    window_yuv_free(&w->converted);
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
    SDL_Quit();
    free(w);
}

/* ---- what it is like --------------------------------------------------------------------------- */

void window_size(const window *w, int *width, int *height)
{
    if (SDL_GetRendererOutputSize(w->renderer, width, height) != 0) SDL_GetWindowSize(w->window, width, height);
}

float window_density(const window *w)
{
    int points, pixels, height;
    SDL_GetWindowSize(w->window, &points, &height);
    window_size(w, &pixels, &height);
    return points > 0 && pixels > 0 ? (float)pixels / (float)points : 1;
}

const char *window_driver(const window *w) { return w->driver; }
void window_set_title(window *w, const char *title) { SDL_SetWindowTitle(w->window, title); }
bool window_is_full_screen(const window *w) { return w->full_screen; }

void window_set_full_screen(window *w, bool on)
{
    if (SDL_SetWindowFullscreen(w->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0) == 0) w->full_screen = on;
}

void window_type(window *w, bool on)
{
    w->typing = on;
    if (on) SDL_StartTextInput();
    else SDL_StopTextInput();
}

char *window_pasted(window *w)
{
    char *text = SDL_HasClipboardText() ? SDL_GetClipboardText() : NULL;
    char *copy = text && text[0] ? strdup(text) : NULL;
    SDL_free(text);
    return copy;
}

/* ---- events ------------------------------------------------------------------------------------- */

/* What a key writes; 0 = nothing that anybody asks for. Shifted keys as on the most common layout. */
static int key_of(const SDL_Keysym *k)
{
    const bool shift = k->mod & KMOD_SHIFT;
    switch (k->sym) {
    case SDLK_LEFT: return WINDOW_LEFT;
    case SDLK_RIGHT: return WINDOW_RIGHT;
    case SDLK_UP: return WINDOW_UP;
    case SDLK_DOWN: return WINDOW_DOWN;
    case SDLK_F1: return WINDOW_F1;
    case SDLK_F11: return WINDOW_F11;
    case SDLK_KP_ENTER: return WINDOW_ENTER;
    case SDLK_KP_PLUS: return '+';
    case SDLK_KP_MINUS: return '-';
    case SDLK_SLASH: return shift ? '?' : '/';
    case SDLK_EQUALS: return shift ? '+' : '=';
    }
    return k->sym > 0 && k->sym < 128 ? k->sym : 0;
}

static void note_key(window_event *out, const SDL_KeyboardEvent *e)
{
    out->key = e->keysym.mod & (KMOD_ALT | KMOD_GUI) ? 0 : key_of(&e->keysym);
    out->control = e->keysym.mod & KMOD_CTRL;
    out->repeated = e->repeat;
    if (out->key) out->kind = WINDOW_KEY;
}

static void note_window(window *w, window_event *out, const SDL_WindowEvent *e)
{
    switch (e->event) {
    case SDL_WINDOWEVENT_CLOSE:
        out->kind = WINDOW_QUIT;
        break;
    case SDL_WINDOWEVENT_SIZE_CHANGED:
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_RESTORED:
        out->kind = WINDOW_CHANGED;
        break;
    }
}

static void note_click(const window *w, window_event *out, const SDL_MouseButtonEvent *e)
{
    int width, height, across, down;
    SDL_GetWindowSize(w->window, &width, &height);
    window_size(w, &across, &down);
    const cyg_point at = place_mouse(e->x, e->y, width, height, across, down);
    out->kind = WINDOW_CLICK;
    out->x = at.x;
    out->y = at.y;
}

static void note(window *w, window_event *out, const SDL_Event *e)
{
    *out = (window_event){ .kind = WINDOW_NOTHING };
    if (e->type == w->wake) atomic_store(&w->woken, false);
    switch (e->type) {
    case SDL_QUIT:
        out->kind = WINDOW_QUIT;
        break;
    case SDL_KEYDOWN:
        note_key(out, &e->key);
        break;
    case SDL_TEXTINPUT:
        if (!w->typing) break;
        out->kind = WINDOW_TEXT;
        SDL_strlcpy(out->text, e->text.text, sizeof out->text);
        break;
    case SDL_MOUSEBUTTONDOWN:
        if (e->button.button != SDL_BUTTON_LEFT) break;
        note_click(w, out, &e->button);
        break;
    case SDL_WINDOWEVENT:
        note_window(w, out, &e->window);
        break;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        out->kind = WINDOW_CHANGED;
        break;
    }
}

void window_wait(window *w, window_event *event, int milliseconds)
{
    SDL_Event e;
    *event = (window_event){ .kind = WINDOW_NOTHING };
    if (SDL_WaitEventTimeout(&e, milliseconds > 0 ? milliseconds : 0)) note(w, event, &e);
}

void window_wake(window *w)
{
    SDL_Event e = { .type = w->wake };
    if (atomic_exchange(&w->woken, true)) return;
    if (SDL_PushEvent(&e) < 0) atomic_store(&w->woken, false);
}

/* ---- the picture ---------------------------------------------------------------------------------- */

static cyg_status refuse(cyg_error *err)
{
    return cyg_fail(err, CYG_IO, "the picture cannot be shown: %s", SDL_GetError());
}

/* The pixels go to the driver as they are if it knows their form; else they are in `as` afterwards. */
static Uint32 choose_format(window *w, const cyg_image *image, cyg_image *as)
{
    *as = *image;
    if (image->format == CYG_RGB24) return SDL_PIXELFORMAT_RGB24;
    const bool small = image->depth == 8 && window_yuv_is_plain(image) && image->stride[0] >= image->width &&
                       image->stride[1] > 0;
    if (small && image->format == CYG_NV12) return SDL_PIXELFORMAT_NV12;
    const bool plain = small && image->format == CYG_YUV && image->shift_x == 1 && image->shift_y == 1;
    if (!plain && !window_yuv_convert(&w->converted, image, as)) return SDL_PIXELFORMAT_UNKNOWN;
    return SDL_PIXELFORMAT_IYUV;
}

static int upload(SDL_Texture *t, Uint32 format, const cyg_image *im)
{
    if (format == SDL_PIXELFORMAT_RGB24) return SDL_UpdateTexture(t, NULL, im->plane[0], (int)im->stride[0]);
    if (format == SDL_PIXELFORMAT_NV12)
        return SDL_UpdateNVTexture(t, NULL, im->plane[0], (int)im->stride[0], im->plane[1], (int)im->stride[1]);
    return SDL_UpdateYUVTexture(t, NULL, im->plane[0], (int)im->stride[0], im->plane[1], (int)im->stride[1],
                                im->plane[2], (int)im->stride[2]);
}

static bool is_alike(const cyg_image *a, const cyg_image *b)
{
    return a->width == b->width && a->height == b->height && a->format == b->format && a->matrix == b->matrix &&
           a->full_range == b->full_range;
}

cyg_status window_picture(window *w, const cyg_image *image, cyg_error *err)
{
    cyg_image as;
    const Uint32 format = choose_format(w, image, &as);
    if (format == SDL_PIXELFORMAT_UNKNOWN) return cyg_fail(err, CYG_NO_MEMORY, "out of memory for a picture");
    if (!w->picture || !is_alike(&w->shown, &as)) {
        if (w->picture) SDL_DestroyTexture(w->picture);
        SDL_SetYUVConversionMode(as.full_range        ? SDL_YUV_CONVERSION_JPEG
                                 : as.matrix == CYG_BT601 ? SDL_YUV_CONVERSION_BT601
                                                          : SDL_YUV_CONVERSION_BT709);
        w->picture = SDL_CreateTexture(w->renderer, format, SDL_TEXTUREACCESS_STREAMING, as.width, as.height);
        if (!w->picture) return refuse(err);
        SDL_SetTextureScaleMode(w->picture, SDL_ScaleModeLinear);
        w->shown = as;
    }
    return upload(w->picture, format, &as) == 0 ? CYG_OK : refuse(err);
}

/* ---- drawing ---------------------------------------------------------------------------------------- */

void window_begin(window *w, placement place)
{
    w->drawing++;
    SDL_SetRenderDrawColor(w->renderer, 0, 0, 0, 255);
    SDL_RenderClear(w->renderer);
    if (!w->picture || place.width == 0) return;
    const SDL_Rect to = { place.x, place.y, place.width, place.height };
    if (place.mirrored) SDL_RenderCopyEx(w->renderer, w->picture, NULL, &to, 0, NULL, SDL_FLIP_HORIZONTAL);
    else SDL_RenderCopy(w->renderer, w->picture, NULL, &to);
}

/* Colours that are not multiplied by alpha: every driver blends those. */
static SDL_Texture *make_texture(window *w, const sprite *s)
{
    SDL_Surface *plain = SDL_CreateRGBSurfaceWithFormat(0, s->width, s->height, 32, SDL_PIXELFORMAT_ARGB8888);
    if (!plain) return NULL;
    for (int y = 0; y < s->height; y++) {
        uint32_t *to = (uint32_t *)(void *)((uint8_t *)plain->pixels + (ptrdiff_t)y * plain->pitch);
        for (int x = 0; x < s->width; x++) {
            const uint32_t p = s->pixels[y * s->stride + x], a = p >> 24, half = a / 2;
            to[x] = !a ? 0 : a << 24 | ((p >> 16 & 255) * 255 + half) / a << 16 |
                             ((p >> 8 & 255) * 255 + half) / a << 8 | ((p & 255) * 255 + half) / a;
        }
    }
    SDL_Texture *texture = SDL_CreateTextureFromSurface(w->renderer, plain);
    SDL_FreeSurface(plain);
    if (!texture) return NULL;
    SDL_SetTextureBlendMode(texture, SDL_BLENDMODE_BLEND);
    SDL_SetTextureScaleMode(texture, SDL_ScaleModeNearest);
    return texture;
}

/* From before, or new in place of the one that was not needed for longest. */
static SDL_Texture *find_texture(window *w, const sprite *s)
{
    kept_sprite *oldest = &w->kept[0];
    for (int i = 0; i < KEPT; i++) {
        kept_sprite *k = &w->kept[i];
        if (k->id == s->id) {
            k->used = w->drawing;
            return k->texture;
        }
        if (k->used < oldest->used) oldest = k;
    }
    if (oldest->texture) SDL_DestroyTexture(oldest->texture);
    *oldest = (kept_sprite){ s->id, w->drawing, make_texture(w, s) };
    return oldest->texture;
}

void window_sprite(window *w, const sprite *s, int x, int y, int width, int height)
{
    SDL_Texture *texture = find_texture(w, s);
    if (!texture) return;
    if (width == s->width && height == s->height) {
        const SDL_Rect to = { x, y, width, height };
        SDL_RenderCopy(w->renderer, texture, NULL, &to);
        return;
    }
    const int from_x[4] = { 0, s->width / 2, s->width / 2 + 1, s->width };
    const int from_y[4] = { 0, s->height / 2, s->height / 2 + 1, s->height };
    const int to_x[4] = { 0, from_x[1], width - (s->width - from_x[2]), width };
    const int to_y[4] = { 0, from_y[1], height - (s->height - from_y[2]), height };
    for (int i = 0; i < 9; i++) {
        const int c = i % 3, r = i / 3;
        if (i == 4) continue;                   /* where both are repeated there is nothing */
        const SDL_Rect from = { from_x[c], from_y[r], from_x[c + 1] - from_x[c], from_y[r + 1] - from_y[r] };
        const SDL_Rect to = { x + to_x[c], y + to_y[r], to_x[c + 1] - to_x[c], to_y[r + 1] - to_y[r] };
        if (from.w > 0 && from.h > 0 && to.w > 0 && to.h > 0) SDL_RenderCopy(w->renderer, texture, &from, &to);
    }
}

void window_shade(window *w, placement place, float alpha)
{
    const SDL_Rect all = { place.x, place.y, place.width, place.height };
    SDL_SetRenderDrawColor(w->renderer, 0, 0, 0, (Uint8)lroundf(fminf(fmaxf(alpha, 0), 1) * 255));
    SDL_RenderFillRect(w->renderer, &all);
}

void window_end(window *w)
{
    SDL_RenderPresent(w->renderer);
}
